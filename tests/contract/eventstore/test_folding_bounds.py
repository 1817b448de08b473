"""Verify, mend and rebuild of a large store use bounded memory, while the writer continues."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.eventstore import repair
from shared.eventstore.comparison import KEPT
from shared.eventstore.snapshot import compact
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from tests.contract.eventstore.harness import Harness, fill
from tests.contract.eventstore.sample import PROVENANCE, Filled, capture, purses

LONG = 20_000
ROWS = 1000
BOUND = 6 * 1024 * 1024
"""Octets of Python's memory. The stored rows have 20 MB, and the computed ones as much again."""


async def many(store: EventStore, rows: int, octets: int = 0, coins: int = 1) -> None:
    def work(transaction: Transaction, first: int) -> None:
        for number in range(first, min(first + 100, rows)):
            transaction.append(f"p{number:05}", [Filled(f"p{number:05}", coins, bytes(octets))], PROVENANCE)

    for first in range(0, rows, 100):
        await store.write(lambda transaction, first=first: work(transaction, first))  # type: ignore[misc]


async def damage(store: EventStore, sql: str) -> None:
    await store.write(lambda transaction: transaction.connection.execute(sql))


@pytest.mark.parametrize("what", ["verify", "mend", "rebuild"])
async def test_memory_does_not_grow_with_the_store(store: EventStore, what: str) -> None:
    """All stored and computed rows used to be in memory at once."""
    await many(store, ROWS, LONG)
    await damage(store, "UPDATE purse SET coins = 7")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        await getattr(store, what)()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < BOUND
    assert (await store.verify()).equal is (what != "verify")


async def test_of_many_differences_some_are_shown_and_all_are_counted_and_mended(store: EventStore) -> None:
    await many(store, KEPT + 200)
    sound = await store.read(purses)
    await damage(store, "UPDATE purse SET coins = 7")
    verdict = await store.verify()
    assert (verdict.different, len(verdict.differences), verdict.equal) == (KEPT + 200, KEPT, False)
    assert (await store.mend()).different == KEPT + 200
    assert (await store.verify()).equal
    assert await store.read(purses) == sound


async def test_a_table_that_differs_in_most_rows_is_mended_in_many_pages(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "TOUCHED_A_PAGE", 10)
    await many(store, 30)
    sound = await store.read(purses)
    await damage(store, "UPDATE purse SET coins = 7 WHERE purse <> 'p00003'")
    await damage(store, "INSERT INTO purse (purse, coins, times, note) VALUES ('other', 1, 1, '')")
    assert (await store.mend()).different == 30
    assert await store.read(purses) == sound


class Meanwhile:
    """What happens while the log is applied, between the first and the second progress report."""

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[], object]) -> None:
        self._loop = loop
        self._act = act
        self.is_done = False

    def __call__(self, _count: int) -> None:
        if self.is_done:
            return
        self.is_done = True
        assert threading.current_thread() is not threading.main_thread()
        asyncio.run_coroutine_threadsafe(self._act(), self._loop).result(30)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["mend", "rebuild"])
async def test_the_writer_goes_on_while_the_log_is_folded(store: EventStore, what: str) -> None:
    """It used to wait until the whole log was applied. What is written meanwhile is applied at the end."""
    await many(store, 30)
    await damage(store, "UPDATE purse SET coins = 7")

    async def act() -> None:
        assert await fill(store, "p00001", 5) == 2
        assert await fill(store, "fresh", 5) == 1

    meanwhile = Meanwhile(asyncio.get_running_loop(), act)
    await getattr(store, what)(meanwhile)
    assert meanwhile.is_done
    result = {row[0]: row[1:3] for row in await store.read(purses)}
    assert (result["p00001"], result["fresh"], result["p00002"]) == ((6, 2), (5, 1), (1, 1))
    assert (await store.verify()).equal


async def test_a_log_that_is_compacted_while_it_is_folded(harness: Harness, store: EventStore) -> None:
    for _ in range(4):
        await fill(store, "p1", 2)
    await many(store, 5)
    harness.clock.advance(1)

    async def act() -> None:
        now = harness.clock.now()
        await store.write(
            lambda transaction: compact(transaction.connection, "p1", now, store.projections, capture), long=True
        )
        await fill(store, "p1", 1)

    await store.rebuild(Meanwhile(asyncio.get_running_loop(), act))
    assert (await store.read(purses))[-1][:3] == ("p1", 9, 5)
    assert (await store.verify()).equal


async def test_keys_in_any_script_are_compared_in_one_order(store: EventStore) -> None:
    for name in ("a", "B", "b", "Ä", "é", "z", "ß", "日本", "𝒳", "a.b", "a b", "A"):
        await fill(store, name)
    assert (await store.verify()).equal
    await damage(store, "DELETE FROM purse WHERE purse = 'é'")
    (difference,) = (await store.verify()).differences
    assert difference.key == ("é",)


async def test_a_fold_leaves_no_file_behind(tmp_path: Path, store: EventStore) -> None:
    await many(store, 5)
    names: set[str] = set()
    folder = store.backend.folder

    def look(_count: int) -> None:
        names.update(path.name for path in (folder or tmp_path).rglob("scratch-*"))

    await store.verify(look)
    assert names == set()
