"""The table of receptions: mails that were accepted and are not settled yet."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from shared.events.mail import MailHeld, MailReceived, MailResumed, MailSettled, MailSubmitted
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

MOVING = "moving"
HELD = "held"
_INSERT = "INSERT INTO reception (queue_id, shard, position, at, state, blob) VALUES (?, ?, ?, ?, ?, ?)"
_STATE = "UPDATE reception SET state = ? WHERE queue_id = ?"


class ReceptionProjection:
    """Keeps a row from acceptance to settlement; the event itself is read from the log."""

    name = "receptions"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        table = Table(
            "reception",
            metadata,
            Column("queue_id", Text, primary_key=True),
            Column("shard", Integer, nullable=False),
            Column("position", BigInteger, nullable=False),
            Column("at", BigInteger, nullable=False),
            Column("state", Text, nullable=False),
            Column("blob", Text, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("reception_state", table.c.state, table.c.queue_id)
        self.tables: Sequence[Table] = (table,)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, MailReceived | MailSubmitted):
            row = (event.queue_id, recorded.shard, recorded.position, recorded.at, MOVING, event.message.blob)
            connection.execute(_INSERT, row)
        elif isinstance(event, MailSettled):
            connection.execute("DELETE FROM reception WHERE queue_id = ?", (event.queue_id,))
        elif isinstance(event, MailHeld):
            connection.execute(_STATE, (HELD, event.queue_id))
        elif isinstance(event, MailResumed):
            connection.execute(_STATE, (MOVING, event.queue_id))
