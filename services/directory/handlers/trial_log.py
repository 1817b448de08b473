"""The part of the log that the trial of a revert needs, beside the scratch rows."""

from __future__ import annotations

from collections.abc import Iterable

from services.directory.handlers.commands import OWNER
from services.directory.handlers.former_holders import REMOVALS
from shared.eventstore.connection import Connection
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.transaction import COLUMNS, Transaction, row_of
from shared.ids import shard_of

_SHARD = shard_of(OWNER)
_AT_ONCE = 200
_NEEDED = (
    f"SELECT {COLUMNS} FROM event WHERE shard = ? AND (stream IN (SELECT stream FROM event WHERE command = ?"  # noqa: S608
    f" AND command <> '') OR type IN ({', '.join('?' * len(REMOVALS))}) OR stream LIKE 'relay:%')"
)
_INSERT = f"INSERT INTO event ({COLUMNS}) VALUES ({', '.join('?' * 12)})"  # noqa: S608
_TABLE = (
    "CREATE TABLE event (shard INTEGER, position INTEGER, stream TEXT, version INTEGER, type TEXT, schema INTEGER,"
    " at INTEGER, cause TEXT, correlation TEXT, command TEXT, actor BLOB, data BLOB)",
    "CREATE INDEX event_stream ON event (stream, version)",
    "CREATE INDEX event_position ON event (position)",
    "CREATE INDEX event_command ON event (command, position)",
)


def copy_log(reader: Connection, rows: Connection, command: str) -> None:
    """Copy the events of all objects that a command has changed, and what ended the holding of addresses."""
    for sql in _TABLE:
        rows.execute(sql, ())
    some = list[tuple[object, ...]]()
    for row in reader.stream(_NEEDED, (_SHARD, command, *REMOVALS)):
        some.append(tuple(bytes(value) if isinstance(value, memoryview) else value for value in row))
        if len(some) >= _AT_ONCE:
            rows.execute_many(_INSERT, some)
            some = []
    rows.execute_many(_INSERT, some)


def append_to_log(
    tx: Transaction, stream: str, events: Iterable[Event], provenance: Provenance, now: int
) -> list[Recorded]:
    """Write events after all others of the scratch log; returns them."""
    recorded = list[Recorded]()
    for event in events:
        last = tx.first_row("SELECT max(position) FROM event")
        version = tx.first_row("SELECT max(version) FROM event WHERE stream = ?", (stream,))
        numbers = [row[0] or 0 if row else 0 for row in (last, version)]
        entry = Recorded(_SHARD, numbers[0] + 1, stream, numbers[1] + 1, now, provenance, event)
        tx.connection.execute(_INSERT, row_of(entry))
        recorded.append(entry)
    return recorded
