"""A rebuild beside the writer works in pages, serves others in between, and is right whatever they write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest
import sqlalchemy
from sqlalchemy import Column, Table, Text

from shared.clock import FixedClock
from shared.eventstore import repair
from shared.eventstore.connection import Connection
from shared.eventstore.event import Event, Recorded, stored
from shared.eventstore.store import EventStore, opened
from shared.eventstore.transaction import Transaction
from tests.contract.eventstore.harness import MakeBackend, fill
from tests.contract.eventstore.sample import PROVENANCE, Emptied, Filled, Poured, purses

T = TypeVar("T")
ROWS = 1500
OWNER = "everybody"


async def many(store: EventStore, rows: int, owner: str | None = None) -> None:
    """Events that read what others wrote belong to one owner, whose shard gives them an order."""
    for first in range(0, rows, 100):
        names = [f"p{number:05}" for number in range(first, min(first + 100, rows))]
        await store.write(
            lambda transaction, names=names: [  # type: ignore[misc]
                transaction.append(name, [Filled(name, 1)], PROVENANCE, owner=owner) for name in names
            ]
        )


async def damage(store: EventStore, sql: str) -> None:
    await store.write(lambda transaction: transaction.connection.execute(sql))


async def pour(store: EventStore, source: str, target: str) -> None:
    poured = Poured(source, target)
    await store.write(lambda transaction: transaction.append(source, [poured], PROVENANCE, owner=OWNER))


async def nothing(_page: int) -> None:
    """Does nothing: no other writer between pages."""


class Pages:
    """Counts what each long unit of work of a store touches, and lets others write after each."""

    def __init__(self, store: EventStore, monkeypatch: pytest.MonkeyPatch, act: Callable[[int], Awaitable[None]]):
        self.written: list[int] = []
        self.touched: list[int] = []
        self._write = store.write
        self._act = act
        monkeypatch.setattr(store, "write", self._observed)

    async def _observed(self, work: Callable[[Transaction], T], *, long: bool = False) -> T:
        if not long:
            return await self._write(work)
        result = await self._write(lambda transaction: self._counted(transaction, work), long=True)
        await self._act(len(self.written))
        return result

    def _counted(self, transaction: Transaction, work: Callable[[Transaction], T]) -> T:
        tally = transaction.connection.tally
        written, touched = tally.written, tally.touched
        try:
            return work(transaction)
        finally:
            self.written.append(tally.written - written)
            self.touched.append(tally.touched - touched)


async def test_no_transaction_writes_more_than_a_page(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows used to be replaced in one transaction, for which all other writers waited."""
    await many(store, ROWS)
    sound = await store.read(purses)
    await damage(store, "UPDATE purse SET coins = 7")
    pages = Pages(store, monkeypatch, nothing)
    await store.rebuild()
    assert max(pages.written) <= repair.TOUCHED_A_PAGE
    assert max(pages.touched) <= repair.TOUCHED_A_PAGE + 100
    assert sum(pages.written) == 2 * ROWS
    assert await store.read(purses) == sound


async def test_a_sound_store_is_left_as_it_is(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await many(store, 300)
    pages = Pages(store, monkeypatch, nothing)
    assert await store.rebuild() == 300
    assert pages.written == [0]


async def test_others_write_between_pages(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their events touch rows before and after the present page, new rows, and rows that they delete."""
    await many(store, ROWS)
    await damage(store, "UPDATE purse SET coins = 7 WHERE purse <> 'p00100'")
    await damage(store, "DELETE FROM purse WHERE purse > 'p00700' AND purse < 'p00800'")
    versions: list[int] = []

    async def act(page: int) -> None:
        versions.extend([await fill(store, f"p{number:05}", 3) for number in (page, ROWS // 2 + page, ROWS - page)])
        await fill(store, f"fresh{page}", 2)
        emptied = f"p{20 * page:05}"
        await store.write(lambda transaction: transaction.append(emptied, [Emptied(emptied, "thirst")], PROVENANCE))

    pages = Pages(store, monkeypatch, act)
    await store.rebuild()
    assert len(pages.written) > 10
    assert len(versions) == 3 * len(pages.written)
    assert (await store.verify()).equal


SPREADING = {
    "wrong": ("p", "UPDATE purse SET coins = 9 WHERE purse < 'p00040'"),
    "missing": ("p", "DELETE FROM purse WHERE purse < 'p00040'"),
    "extra": (
        "a",
        "INSERT INTO purse (purse, coins, times, note) SELECT 'a' || substr(purse, 2), 9, 1, note FROM purse",
    ),
}
"""Prefixes of the names of rows that differ, and how they became different."""


@pytest.mark.parametrize("kind", SPREADING)
async def test_a_row_that_differs_spreads_to_one_that_did_not(
    store: EventStore, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """It is read to compute another row, which becomes or stays wrong, and it is deleted before its page is checked."""
    letter, sql = SPREADING[kind]
    await many(store, ROWS, OWNER)
    await damage(store, sql)
    await damage(store, "UPDATE purse SET coins = 7 WHERE purse < 'p01000'")

    async def act(page: int) -> None:
        await pour(store, f"{letter}{page:05}", f"p{1100 + page:05}")

    pages = Pages(store, monkeypatch, act)
    await store.rebuild()
    assert len(pages.written) > 10
    assert (await store.verify()).equal


async def test_a_wrong_row_spreads_while_the_rows_are_compared(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison sees one state. A row that became wrong afterwards is known by its key alone."""
    await many(store, 50, OWNER)
    await damage(store, "UPDATE purse SET coins = 7 WHERE purse = 'p00001'")
    loop, compare = asyncio.get_running_loop(), repair.compare

    def compared(*given: Any) -> Any:
        verdict = compare(*given)
        asyncio.run_coroutine_threadsafe(pour(store, "p00001", "p00002"), loop).result(30)
        return verdict

    monkeypatch.setattr(repair, "compare", compared)
    assert (await store.mend()).different == 1
    assert (await store.verify()).equal


async def test_a_repair_that_was_interrupted_is_found_and_finished(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(store, ROWS)
    sound = await store.read(purses)
    await damage(store, "UPDATE purse SET coins = 7")

    async def act(page: int) -> None:
        if page == 3:
            raise InterruptedError

    with monkeypatch.context() as patched:
        Pages(store, patched, act)
        with pytest.raises(InterruptedError):
            await store.rebuild()
    assert 0 < (await store.verify()).different < ROWS
    await fill(store, "p00001", 1)
    await store.rebuild()
    assert (await store.verify()).equal
    assert (await store.read(purses))[2:] == sound[2:]


async def test_a_page_that_is_far_behind_leaves_the_writer_to_others(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many events between two pages are applied without blocking the writer."""
    await many(store, ROWS)
    await damage(store, "UPDATE purse SET coins = 7")

    async def act(page: int) -> None:
        if page < 4:
            await many(store, 300)

    pages = Pages(store, monkeypatch, act)
    await store.rebuild()
    assert max(pages.touched) <= repair.TOUCHED_A_PAGE + 100
    assert (await store.verify()).equal


async def test_two_repairs_at_once(store: EventStore) -> None:
    await many(store, 300)
    await damage(store, "UPDATE purse SET coins = 7")
    count, verdict = await asyncio.gather(store.rebuild(), store.mend())
    assert count == 300
    assert verdict.equal
    assert (await store.verify()).equal


@stored("label.given")
class Given(Event, frozen=True):
    """A thing got a label that no other thing has."""

    thing: str
    label: str


class Labels:
    """The label of each thing."""

    name = "labels"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        table = Table("thing", metadata, Column("thing", Text, primary_key=True), Column("label", Text, nullable=False))
        sqlalchemy.Index("thing_label", table.c.label, unique=True)
        self.tables: Sequence[Table] = (table,)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case Given(thing, label):
                connection.execute("INSERT INTO thing (thing, label) VALUES (?, ?)", (thing, label))


@pytest.fixture
async def labels(backend_maker: MakeBackend) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    async with opened(EventStore(backend_maker(), metadata, (Labels(metadata),), FixedClock())) as store:
        for number in range(20):
            thing = f"t{number:02}"
            await store.write(
                lambda transaction, thing=thing: transaction.append(  # type: ignore[misc]
                    thing, [Given(thing, f"label of {thing}")], PROVENANCE
                )
            )
        yield store


@pytest.mark.parametrize("touched", [1, 500])
async def test_rows_that_hold_each_others_unique_values(
    labels: EventStore, monkeypatch: pytest.MonkeyPatch, touched: int
) -> None:
    """Each thing has the label that the next one must get, so its row cannot be corrected before that one."""
    monkeypatch.setattr(repair, "TOUCHED_A_PAGE", touched)
    await damage(labels, "UPDATE thing SET label = 'x' || thing")
    for number in range(20):
        await damage(
            labels, f"UPDATE thing SET label = 'label of t{(number + 1) % 20:02}' WHERE thing = 't{number:02}'"
        )
    assert (await labels.verify()).different == 20
    await labels.rebuild()
    assert (await labels.verify()).equal
