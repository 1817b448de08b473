"""Retention: a stream's old events are folded into a snapshot, and deleted only when the snapshot gives the same rows.

A snapshot is stored like an event (name, schema version, upcasts, golden files). Rebuild applies the snapshot and then
later events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.eventstore.connection import Connection, Reader, Row, StreamReader
from shared.eventstore.event import Actor, Event, Provenance, Recorded, decode, encode
from shared.eventstore.scratch import apply_all, rows_of, scratch, tables_of
from shared.eventstore.transaction import COLUMNS, Projection, recorded_from

SNAPSHOT_COLUMNS = "shard, position, stream, version, type, schema, at, data"
SNAPSHOT_ACTOR = Actor("system", "snapshot")
Capture = Callable[[Reader, str], Event]
"""Reads the state of a stream from projection tables; returns the snapshot event that recreates it."""


class SnapshotDiffers(Exception):
    """The snapshot does not give the same rows as its events; nothing was deleted."""


def snapshot_from(row: Row) -> Recorded:
    """A snapshot from its row (SNAPSHOT_COLUMNS), in the form of an event at the last position that it includes."""
    shard, position, stream, version, name, schema, at, data = row
    return Recorded(shard, position, stream, version, at, Provenance(SNAPSHOT_ACTOR), decode(name, schema, bytes(data)))


def compact(
    connection: Connection, stream: str, before: int, projections: Sequence[Projection], capture: Capture
) -> int:
    """Fold a stream's events older than `before` (UTC microseconds) into its snapshot, within the writer's transaction.

    Returns the number of deleted events. Raises SnapshotDiffers, with nothing changed, when the check fails.
    """
    rows = connection.all(f"SELECT {COLUMNS} FROM event WHERE stream = ? AND at < ? ORDER BY version", (stream, before))  # noqa: S608
    if not rows:
        return 0
    past = [*_snapshot_of(connection, stream), *(recorded_from(row) for row in rows)]
    last = past[-1]
    with scratch(projections, None) as folded:
        _fold(folded, past, projections)
        shape = capture(folded, stream)
        snapshot = Recorded(last.shard, last.position, stream, last.version, last.at, Provenance(SNAPSHOT_ACTOR), shape)
        expected = _rows(folded, projections)
    with scratch(projections, None) as folded:
        _fold(folded, [snapshot], projections)
        if _rows(folded, projections) != expected:
            raise SnapshotDiffers(stream)
    _replace(connection, snapshot)
    return len(rows)


def _snapshot_of(connection: Connection, stream: str) -> list[Recorded]:
    row = connection.first_row(f"SELECT {SNAPSHOT_COLUMNS} FROM snapshot WHERE stream = ?", (stream,))  # noqa: S608
    return [snapshot_from(row)] if row else []


def _fold(connection: Connection, events: list[Recorded], projections: Sequence[Projection]) -> None:
    for _count in apply_all(connection, events, projections):
        pass


def _rows(reader: StreamReader, projections: Sequence[Projection]) -> dict[str, list[Row]]:
    """The rows of one stream in scratch tables.

    They fit into memory, because the owner also reads its state at once.
    """
    return {table.name: list(rows_of(reader, table)) for table in tables_of(projections)}


def _replace(connection: Connection, snapshot: Recorded) -> None:
    shape = snapshot.event
    connection.execute("DELETE FROM snapshot WHERE stream = ?", (snapshot.stream,))
    connection.execute(
        f"INSERT INTO snapshot ({SNAPSHOT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            snapshot.shard,
            snapshot.position,
            snapshot.stream,
            snapshot.version,
            shape.stored_name,
            shape.schema,
            snapshot.at,
            encode(shape),
        ),
    )
    connection.execute(
        "INSERT INTO head (shard, position) VALUES (?, ?) ON CONFLICT (shard) DO UPDATE SET position = CASE WHEN "
        "head.position > excluded.position"
        " THEN head.position ELSE excluded.position END",
        (snapshot.shard, snapshot.position),
    )
    connection.execute("DELETE FROM event WHERE stream = ? AND version <= ?", (snapshot.stream, snapshot.version))
