"""The table of what scripts remember: answered senders, seen mails, notices to owners, and what was sent on.

All memories of an account are in one stream, so the rows follow from its events in their order.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from shared.events.delivery import DeliveryMemoriesForgotten, DeliveryRemembered
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

MOST = 10_000
"""Memories of one kind that an account has; of more the oldest leave."""
_REMEMBER = (
    "INSERT INTO script_memory (account, kind, memory, until, queue_id, step) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account, kind, memory)"
    " DO UPDATE SET until = excluded.until, queue_id = excluded.queue_id, step = excluded.step"
)
_EXPIRED = "DELETE FROM script_memory WHERE account = ? AND until <= ?"
_COUNT = "SELECT count(*) FROM script_memory WHERE account = ? AND kind = ?"
_SURPLUS = (
    "DELETE FROM script_memory WHERE account = ? AND kind = ? AND memory IN"
    " (SELECT memory FROM script_memory WHERE account = ? AND kind = ? ORDER BY until, memory LIMIT ?)"
)


class ScriptMemoryProjection:
    """Keeps a row for each memory that has not expired when the account remembers something else."""

    name = "script_memories"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "script_memory",
                metadata,
                Column("account", Text, primary_key=True),
                Column("kind", Text, primary_key=True),
                Column("memory", Text, primary_key=True),
                Column("until", BigInteger, nullable=False),
                Column("queue_id", Text, nullable=False),
                Column("step", Integer, nullable=False),
                Index("script_memory_until", "account", "until"),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case DeliveryRemembered(account, kind, key, until, queue_id, index):
                connection.execute(_EXPIRED, (account, recorded.at))
                connection.execute(_REMEMBER, (account, kind, key, until, queue_id, index))
                row = connection.first_row(_COUNT, (account, kind))
                if row is not None and row[0] > MOST:
                    connection.execute(_SURPLUS, (account, kind, account, kind, row[0] - MOST))
            case DeliveryMemoriesForgotten(account):
                connection.execute("DELETE FROM script_memory WHERE account = ?", (account,))
            case _:
                pass
