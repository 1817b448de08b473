"""A unit of work: reads state, decides, and appends at the expected version; projections apply as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from shared.clock import Clock
from shared.eventstore.connection import Connection, Reader, Row
from shared.eventstore.event import Event, Provenance, Recorded, decode, decode_actor, encode, encode_actor
from shared.ids import SHARDS, shard_of

if TYPE_CHECKING:  # saves commands, which only name our errors, 0.15 s of imports
    import sqlalchemy

_INSERT = (
    "INSERT INTO event (shard, position, stream, version, type, schema, at, cause, correlation, command, actor, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_HEAD = "SELECT version, at FROM stream WHERE stream = ?"
_MOVE_HEAD = (
    "INSERT INTO stream (stream, shard, version, at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (stream) DO UPDATE SET version = excluded.version, at = excluded.at"
)
SET_CURSOR = (
    "INSERT INTO cursor (name, shard, position) VALUES (?, ?, ?)"
    " ON CONFLICT (name, shard) DO UPDATE SET position = excluded.position"
)
LAST_POSITIONS = " UNION ALL ".join(
    f"SELECT {shard}, (SELECT max(position) FROM event WHERE shard = {shard})"  # noqa: S608
    for shard in range(SHARDS)
)
"""One step into the index for each shard; grouping would read the whole index."""
COLUMNS = "shard, position, stream, version, type, schema, at, cause, correlation, command, actor, data"


class VersionConflict(Exception):
    """The stream is not at the version that the command expected; load again and decide again."""


class Projection(Protocol):
    """Tables computed from the log; no other code changes them.

    Rows are changed by `execute` and `execute_many` with INSERT INTO, UPDATE and DELETE FROM, and no UPDATE changes a
    primary key: a repair beside the writer notes the keys of the rows that such statements change (`ChangeCapture`).
    """

    name: str
    version: int
    """Raised when the same events give other rows; the store then computes the tables again."""
    tables: Sequence[sqlalchemy.Table]

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        """Change the rows for this event. A projection ignores events that do not concern it."""


class Heads:
    """The last position of each shard, known to the only writer, so that an append need not ask for it."""

    def __init__(self) -> None:
        self.positions = [0] * SHARDS

    def load(self, reader: Reader) -> None:
        """Read the head of each shard.

        The `head` table remembers shards whose events were all folded into snapshots.
        """
        self.positions = [0] * SHARDS
        for sql in ("SELECT shard, position FROM head", LAST_POSITIONS):
            for shard, position in reader.all(sql):
                self.positions[shard] = max(self.positions[shard], position or 0)


class Transaction:
    """The interface of a unit of work. It belongs to the group's connection and ends with the unit of work."""

    __slots__ = ("_clock", "_heads", "_projections", "appended", "connection", "octet_order")

    def __init__(self, connection: Connection, heads: Heads, projections: Sequence[Projection], clock: Clock) -> None:
        self.connection = connection
        self.octet_order = connection.octet_order
        self._heads = heads
        self._projections = projections
        self._clock = clock
        self.appended: list[Recorded] = []

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return self.connection.all(sql, parameters)

    def first_row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        return self.connection.first_row(sql, parameters)

    def version(self, stream: str) -> int:
        """The stream's version; 0 before its first event."""
        row = self.connection.first_row(_HEAD, (stream,))
        return row[0] if row else 0

    def append(
        self,
        stream: str,
        events: Iterable[Event],
        provenance: Provenance,
        *,
        expected: int | None = None,
        owner: str | None = None,
    ) -> list[Recorded]:
        """Append events and apply the projections.

        `owner` decides the shard (default: the stream itself). Raises VersionConflict when `expected` is not the
        stream's version.
        """
        row = self.connection.first_row(_HEAD, (stream,))
        version, at = row if row else (0, 0)
        if expected is not None and version != expected:
            raise VersionConflict(f"{stream} is at version {version}, not {expected}")
        shard = shard_of(owner or stream)
        at = max(self._clock.now(), at)
        recorded = [
            self._insert(Recorded(shard, self._next_position(shard), stream, version + step, at, provenance, event))
            for step, event in enumerate(events, 1)
        ]
        if recorded:
            self.connection.execute(_MOVE_HEAD, (stream, shard, recorded[-1].version, at))
        for appended in recorded:
            for projection in self._projections:
                projection.apply(self.connection, appended)
        self.appended += recorded
        return recorded

    def set_cursor(self, name: str, positions: Mapping[int, int]) -> None:
        """Store the positions of a follower together with the effect of the events."""
        for shard, position in positions.items():
            self.connection.execute(SET_CURSOR, (name, shard, position))

    def answered(self, command: str) -> list[Recorded]:
        """The events that an earlier attempt at this command wrote; empty for a new command."""
        return answered(self.connection, command)

    def _next_position(self, shard: int) -> int:
        self._heads.positions[shard] += 1
        return self._heads.positions[shard]

    def _insert(self, recorded: Recorded) -> Recorded:
        self.connection.execute(_INSERT, row_of(recorded))
        return recorded


def answered(reader: Reader, command: str) -> list[Recorded]:
    """The events that an earlier attempt at this command wrote; empty for a new command."""
    if not command:
        return []
    sql = f"SELECT {COLUMNS} FROM event WHERE command = ? AND command <> '' ORDER BY shard, position"  # noqa: S608
    return [recorded_from(row) for row in reader.all(sql, (command,))]


def row_of(recorded: Recorded) -> Row:
    """The event's row, in the order of COLUMNS."""
    provenance = recorded.provenance
    return (
        recorded.shard,
        recorded.position,
        recorded.stream,
        recorded.version,
        recorded.event.stored_name,
        recorded.event.schema,
        recorded.at,
        provenance.cause,
        provenance.correlation,
        provenance.command,
        encode_actor(provenance.actor),
        encode(recorded.event),
    )


def recorded_from(row: Row) -> Recorded:
    """The event from its row. Raises UnknownEvent for a name or schema of a later release."""
    shard, position, stream, version, name, schema, at, cause, correlation, command, actor, data = row
    provenance = Provenance(decode_actor(actor), cause, correlation, command)
    return Recorded(shard, position, stream, version, at, provenance, decode(name, schema, bytes(data)))
