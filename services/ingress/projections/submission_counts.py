"""The table of how many mails each application submitted in the minutes of the last hour."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Integer, Table, Text

from services.ingress.domain.submission_rate import MINUTES
from shared.events.mail import MailSubmitted
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_MINUTE = 60_000_000
_COUNT = (
    "INSERT INTO application_submission (account, slot, minute, mails) VALUES (?, ?, ?, 1)"
    " ON CONFLICT (account, slot) DO UPDATE SET"
    " mails = CASE WHEN application_submission.minute < excluded.minute THEN 1"
    " WHEN application_submission.minute = excluded.minute THEN application_submission.mails + 1"
    " ELSE application_submission.mails END,"
    " minute = CASE WHEN application_submission.minute < excluded.minute THEN excluded.minute"
    " ELSE application_submission.minute END"
)


class SubmissionCountProjection:
    """Keeps sixty rows of an application at most: a minute takes the row of the one an hour before.

    So the rows are the same in whatever order the shards are read. It is a table of its own and of applications alone,
    so that the mail of others costs nothing here.
    """

    name = "submission-counts"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[Table] = (
            Table(
                "application_submission",
                metadata,
                Column("account", Text, primary_key=True),
                Column("slot", Integer, primary_key=True),
                Column("minute", BigInteger, nullable=False),
                Column("mails", BigInteger, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, MailSubmitted) and event.user == event.account:  # an application is its own user
            minute = minute_of(recorded.at)
            connection.execute(_COUNT, (event.account, minute % MINUTES, minute))


def minute_of(at: int) -> int:
    """The minute of a time in UTC microseconds."""
    return at // _MINUTE
