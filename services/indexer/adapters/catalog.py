"""The notes of the indexer: which indexes there are, and which accounts are to be compared with them.

When they are lost, the index is built anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from shared.eventstore.connection import Reader
from shared.eventstore.log_reading import LogPosition
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import SHARDS

_NOTE = (
    "INSERT INTO index_due (generation, account, task, since) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (generation, account, task) DO NOTHING"
)
_DUE = "SELECT account FROM index_due WHERE generation = ? AND task = ? AND since <= ? ORDER BY since, account LIMIT ?"
_POSTPONE = "UPDATE index_due SET since = ? WHERE generation = ? AND account = ? AND task = ?"
_DONE = "DELETE FROM index_due WHERE generation = ? AND account = ? AND task = ?"
_COUNT = "SELECT task, count(*) FROM index_due WHERE generation = ? GROUP BY task"
_GENERATIONS = "SELECT number, engine, is_serving, began FROM index_generation ORDER BY number"
_BEGIN = "INSERT INTO index_generation (number, engine, is_serving, began) VALUES (?, ?, ?, ?)"
_SERVE = "UPDATE index_generation SET is_serving = CASE WHEN number = ? THEN 1 ELSE 0 END"
_FORGET = ("DELETE FROM index_due WHERE generation = ?", "DELETE FROM index_generation WHERE number = ?")


class Task(IntEnum):
    """What is due for an account."""

    FILL = 1
    """Its messages are to be indexed, in the background."""
    SWEEP = 2
    """Places of the index that no longer exist are to be removed."""


class NotedIndex(NamedTuple):
    """An index: the serving one, or one that is built beside it."""

    number: int
    engine: str
    is_serving: bool
    began: int
    """UTC microseconds."""


def catalog_tables(metadata: MetaData) -> None:
    """Declare the tables."""
    Table(
        "index_generation",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("engine", Text, nullable=False),
        Column("is_serving", Integer, nullable=False),
        Column("began", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    Table(
        "index_due",
        metadata,
        Column("generation", Integer, nullable=False),
        Column("account", Text, nullable=False),
        Column("task", Integer, nullable=False),
        Column("since", BigInteger, nullable=False),
        PrimaryKeyConstraint("generation", "account", "task"),
        Index("index_due_by_time", "generation", "task", "since", "account"),
        sqlite_with_rowid=False,
    )


def cursor_of(number: int) -> str:
    """The name of the place up to which an index follows the events of the mailstore."""
    return f"indexed {number}"


class Catalog:
    """All notes, in the indexer's own store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def generations(self) -> list[NotedIndex]:
        """The indexes, the oldest first."""
        rows = await self._store.read(lambda reader: reader.all(_GENERATIONS))
        return [NotedIndex(number, engine, bool(is_serving), began) for number, engine, is_serving, began in rows]

    async def begin(self, engine: str, now: int) -> NotedIndex:
        """Note a new index. The first one serves at once."""
        known = await self.generations()
        made = NotedIndex(max((generation.number for generation in known), default=0) + 1, engine, not known, now)
        # An index that was given up may have had this number, and what it followed says nothing about the new one.
        await self._store.follow_from(cursor_of(made.number), dict.fromkeys(range(SHARDS), LogPosition(0, 0)))
        await self._store.write(
            lambda tx: tx.connection.execute(_BEGIN, (made.number, engine, int(made.is_serving), now))
        )
        return made

    async def serve(self, number: int) -> None:
        """Note that this index serves from now on."""
        await self._store.write(lambda tx: tx.connection.execute(_SERVE, (number,)))

    async def forget(self, number: int) -> None:
        """Forget an index that was deleted."""

        def work(transaction: Transaction) -> None:
            for statement in _FORGET:
                transaction.connection.execute(statement, (number,))

        await self._store.write(work)

    def dues(self, generation: int) -> Dues:
        """The notes about the accounts of an index."""
        return Dues(self._store, generation)


class Dues:
    """Which accounts of an index something is due for."""

    def __init__(self, store: EventStore, generation: int) -> None:
        self._store = store
        self._generation = generation

    async def note(self, accounts: Sequence[str], task: Task, since: int) -> None:
        """Note a task for accounts, due from a time in UTC microseconds; an earlier note stays."""
        rows = [(self._generation, account, task.value, since) for account in accounts]

        def work(transaction: Transaction) -> None:
            for row in rows:
                transaction.connection.execute(_NOTE, row)

        if rows:
            await self._store.write(work)

    async def due(self, task: Task, now: int, limit: int) -> list[str]:
        """The accounts for which a task is due, the earliest first."""

        def ask(reader: Reader) -> list[str]:
            return [account for (account,) in reader.all(_DUE, (self._generation, task.value, now, limit))]

        return await self._store.read(ask)

    async def postpone(self, account: str, task: Task, since: int) -> None:
        """Let a noted task be due later."""
        row = since, self._generation, account, task.value
        await self._store.write(lambda transaction: transaction.connection.execute(_POSTPONE, row))

    async def done(self, account: str, task: Task) -> None:
        """Take a note away."""
        row = self._generation, account, task.value
        await self._store.write(lambda transaction: transaction.connection.execute(_DONE, row))

    async def counts(self) -> dict[Task, int]:
        """How many accounts each task is noted for."""
        rows = await self._store.read(lambda reader: reader.all(_COUNT, (self._generation,)))
        return {Task(task): count for task, count in rows}
