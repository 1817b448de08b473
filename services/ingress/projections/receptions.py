"""The table of receptions: mails that were accepted and are not settled yet."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from shared.events.mail import (
    MailCancelled,
    MailHeld,
    MailReceived,
    MailReleased,
    MailResumed,
    MailSettled,
    MailSubmitted,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

MOVING = "moving"
HELD = "held"
WAITING = "waiting"
"""A submission that waits for its release (`waiting.py`)."""
_INSERT = "INSERT INTO reception (queue_id, shard, position, at, state, blob) VALUES (?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM reception WHERE queue_id = ?"
_RELEASE = "UPDATE reception SET state = ?, at = ? WHERE queue_id = ?"
_STATE = "UPDATE reception SET state = ? WHERE queue_id = ?"


class ReceptionProjection:
    """Keeps a row from acceptance to settlement; the event itself is read from the log.

    `at` is the time from which the mail is on its way: its acceptance, or its release.
    """

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
            state = WAITING if isinstance(event, MailSubmitted) and event.release_at else MOVING
            row = (event.queue_id, recorded.shard, recorded.position, recorded.at, state, event.message.blob)
            connection.execute(_INSERT, row)
        elif isinstance(event, MailSettled | MailCancelled):
            connection.execute(_REMOVE, (event.queue_id,))
        elif isinstance(event, MailReleased):
            connection.execute(_RELEASE, (MOVING, recorded.at, event.queue_id))
        elif isinstance(event, MailHeld):
            connection.execute(_STATE, (HELD, event.queue_id))
        elif isinstance(event, MailResumed):
            connection.execute(_STATE, (MOVING, event.queue_id))
