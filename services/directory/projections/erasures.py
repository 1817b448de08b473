"""Applies events to the erasures of deleted accounts; no other code changes their tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from shared.events.archives import AccountDeleted
from shared.events.erasure import ErasureCompleted, ErasureMailsNoted, ErasureStepDone
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_BEGIN = "INSERT INTO erasure (account, at, done, completed_at) VALUES (?, ?, 0, 0) ON CONFLICT (account) DO NOTHING"
_NOTE = (
    "INSERT INTO erasure_mail (account, queue_id, whole) VALUES (?, ?, ?)"
    " ON CONFLICT (account, queue_id) DO UPDATE SET whole = excluded.whole"
)


class ErasureProjection:
    """Keeps a row for each deleted account, and the mails that are noted for an open erasure."""

    name = "erasures"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        erasure = Table(
            "erasure",
            metadata,
            Column("account", Text, primary_key=True),
            Column("at", BigInteger, nullable=False),
            Column("done", Integer, nullable=False),
            Column("completed_at", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("erasure_completed", erasure.c.completed_at, erasure.c.account)
        mail = Table(
            "erasure_mail",
            metadata,
            Column("account", Text, primary_key=True),
            Column("queue_id", Text, primary_key=True),
            Column("whole", Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        self.tables: Sequence[Table] = (erasure, mail)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountDeleted(id=account):
                connection.execute(_BEGIN, (account, recorded.at))
            case ErasureMailsNoted(account, _, whole, part):
                _note(connection, account, part, 0)
                _note(connection, account, whole, 1)
            case ErasureStepDone(account=account):
                connection.execute("UPDATE erasure SET done = done + 1 WHERE account = ?", (account,))
            case ErasureCompleted(account=account):
                connection.execute("UPDATE erasure SET completed_at = ? WHERE account = ?", (recorded.at, account))
                connection.execute("DELETE FROM erasure_mail WHERE account = ?", (account,))
            case _:
                pass


def _note(connection: Connection, account: str, mails: Iterable[str], whole: int) -> None:
    for queue_id in mails:
        connection.execute(_NOTE, (account, queue_id, whole))
