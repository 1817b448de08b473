"""The table of submissions that wait for their release, by the time of it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from shared.events.mail import MailCancelled, MailReleased, MailSubmitted
from shared.events.suspended import SubmissionResumed, SubmissionSuspended
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_ADD = (
    "INSERT INTO waiting_submission (queue_id, release_at, at, account, sender, size, requested, suspended)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, 0)"
)
_SUSPEND = "UPDATE waiting_submission SET suspended = ? WHERE queue_id = ?"
_REMOVE = "DELETE FROM waiting_submission WHERE queue_id = ?"


class WaitingProjection:
    """Keeps a row from the acceptance of a submission until it is released or cancelled.

    It is a table of its own, so that a mail that does not wait costs nothing here.
    """

    name = "waiting"
    version = 2

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        table = Table(
            "waiting_submission",
            metadata,
            Column("queue_id", Text, primary_key=True),
            Column("release_at", BigInteger, nullable=False),
            Column("at", BigInteger, nullable=False),
            Column("account", Text, nullable=False),
            Column("sender", Text, nullable=False),
            Column("size", BigInteger, nullable=False),
            Column("requested", Integer, nullable=False),
            Column("suspended", Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("waiting_submission_release", table.c.suspended, table.c.release_at, table.c.queue_id)
        Index("waiting_submission_suspended", table.c.suspended, table.c.account)
        columns = (table.c.account, table.c.requested, table.c.queue_id, table.c.size)  # all that the limits need
        Index("waiting_submission_account", *columns)
        self.tables: Sequence[Table] = (table,)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, MailSubmitted) and event.release_at:
            place = (event.queue_id, event.release_at, recorded.at)
            row = (*place, event.account, event.reverse_path, event.message.size, int(event.hold_requested))
            connection.execute(_ADD, row)
        elif isinstance(event, SubmissionSuspended | SubmissionResumed):
            suspended = int(isinstance(event, SubmissionSuspended))
            connection.execute(_SUSPEND, (suspended, event.queue_id))
        elif isinstance(event, MailReleased | MailCancelled):
            connection.execute(_REMOVE, (event.queue_id,))
