"""Which accounts are to be compared with the index. It is a note: when it is lost, all accounts are compared again."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

_NOTE = "INSERT INTO index_due (account, task, since) VALUES (?, ?, ?) ON CONFLICT (account, task) DO NOTHING"
_DUE = "SELECT account FROM index_due WHERE task = ? AND since <= ? ORDER BY since, account LIMIT ?"
_DONE = "DELETE FROM index_due WHERE account = ? AND task = ?"
_COUNT = "SELECT task, count(*) FROM index_due GROUP BY task"


class Task(IntEnum):
    """What is due for an account."""

    FILL = 1
    """Its messages are to be indexed, in the background."""
    SWEEP = 2
    """Places of the index that no longer exist are to be removed."""


def catalog_tables(metadata: MetaData) -> None:
    """Declare the table."""
    Table(
        "index_due",
        metadata,
        Column("account", Text, nullable=False),
        Column("task", Integer, nullable=False),
        Column("since", BigInteger, nullable=False),
        PrimaryKeyConstraint("account", "task"),
        Index("index_due_by_time", "task", "since", "account"),
        sqlite_with_rowid=False,
    )


class Catalog:
    """The notes of the indexer, in its own store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def note(self, accounts: Sequence[str], task: Task, since: int) -> None:
        """Note a task for accounts, due from a time in UTC microseconds; an earlier note stays."""
        rows = [(account, task.value, since) for account in accounts]

        def work(transaction: Transaction) -> None:
            for row in rows:
                transaction.connection.execute(_NOTE, row)

        if rows:
            await self._store.write(work)

    async def due(self, task: Task, now: int, limit: int) -> list[str]:
        """The accounts for which a task is due, the earliest first."""

        def ask(reader: Reader) -> list[str]:
            return [account for (account,) in reader.all(_DUE, (task.value, now, limit))]

        return await self._store.read(ask)

    async def done(self, account: str, task: Task) -> None:
        """Take a note away."""
        await self._store.write(lambda transaction: transaction.connection.execute(_DONE, (account, task.value)))

    async def counts(self) -> dict[Task, int]:
        """How many accounts each task is noted for."""
        rows = await self._store.read(lambda reader: reader.all(_COUNT))
        return {Task(task): count for task, count in rows}
