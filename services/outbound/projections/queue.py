"""The rows of the queue."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from shared.events.outbound import OutboundQueued
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class QueueProjection:
    """Keeps one row for each entry."""

    name = "queue"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "queue",
                metadata,
                Column("entry", Text, primary_key=True),
                Column("queue_id", Text, nullable=False),
                Column("sender", Text, nullable=False),
                Column("recipient", Text, nullable=False),
                Column("blob", Text, nullable=False),
                Column("size", BigInteger, nullable=False),
                Column("at", BigInteger, nullable=False),
                Column("state", Text, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, OutboundQueued):
            row = (
                event.entry,
                event.queue_id,
                event.reverse_path,
                event.forward_path,
                event.blob,
                event.size,
                recorded.at,
                "waiting",
            )
            connection.execute(
                "INSERT INTO queue (entry, queue_id, sender, recipient, blob, size, at, state) VALUES (?, ?, ?, ?, ?, "
                "?, ?, ?)",
                row,
            )
