"""Applies events to the archives of removed accounts; no other code changes their table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Table, Text

from services.directory.domain.names import key_of
from shared.events.archives import AccountArchived, AccountDeleted, AccountRestored, AddressReleased
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_ADD = (
    "INSERT INTO archive (id, address, key, person, quota_bytes, archived_at, reserved_until,"
    " quota_messages, max_message_size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class ArchiveProjection:
    """Keeps a row for each archive. It is a table of its own, so that accounts have no further column."""

    name = "archives"
    version = 2

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[Table] = (
            Table(
                "archive",
                metadata,
                Column("id", Text, primary_key=True),
                Column("address", Text, nullable=False),
                Column("key", Text, nullable=False),
                Column("person", Text, nullable=False),
                Column("quota_bytes", BigInteger, nullable=False),
                Column("archived_at", BigInteger, nullable=False),
                Column("reserved_until", BigInteger, nullable=False),
                Column("quota_messages", BigInteger, nullable=False),
                Column("max_message_size", BigInteger, nullable=False),
                Index("archive_key", "key", "reserved_until"),
                Index("archive_reserved_until", "reserved_until"),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountArchived(identity, address, user, quota_bytes, archived_at, reserved_until) as event:
                row = (identity, address, key_of(address), user, quota_bytes, archived_at, reserved_until)
                connection.execute(_ADD, (*row, event.quota_messages, event.max_message_size))
            case AddressReleased(identity):
                connection.execute("UPDATE archive SET reserved_until = 0 WHERE id = ?", (identity,))
            case AccountRestored(id=identity) | AccountDeleted(id=identity):
                connection.execute("DELETE FROM archive WHERE id = ?", (identity,))
