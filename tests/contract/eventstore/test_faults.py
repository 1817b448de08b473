"""A database that cannot serve for a while: nothing half done, everything goes on afterwards."""

from __future__ import annotations

import asyncio

import pytest

from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore
from tests.contract.eventstore.faulty import Fault, FaultyBackend
from tests.contract.eventstore.harness import Harness, MakeBackend, fill, one_group
from tests.contract.eventstore.sample import Refused, events, purses


@pytest.fixture
def fault() -> Fault:
    return Fault()


@pytest.fixture
async def faulty(harness: Harness, fault: Fault) -> EventStore:
    store = await harness.open(FaultyBackend(harness.make_backend(), fault))
    await fill(store, "p1")
    return store


async def is_whole(store: EventStore, versions: int) -> None:
    """The log of p1 has so many versions without gaps, and the rows agree."""
    assert [row[1:4] for row in await store.read(events)] == [
        (number, "p1", number) for number in range(1, versions + 1)
    ]
    assert (await store.verify()).equal


async def test_a_group_that_cannot_begin(faulty: EventStore, fault: Fault) -> None:
    fault.next = "begin"
    with pytest.raises(StoreUnavailable):
        await fill(faulty, "p1")
    assert await fill(faulty, "p1", expected=1) == 2
    await is_whole(faulty, 2)


async def test_a_commit_whose_answer_is_lost(faulty: EventStore, fault: Fault) -> None:
    fault.next = "commit"
    with pytest.raises(StoreUnavailable):
        await fill(faulty, "p1")
    assert await fill(faulty, "p1", expected=2) == 3  # it stands all the same, and the positions go on behind it
    await is_whole(faulty, 3)


async def test_a_savepoint_that_is_gone_fails_its_group(faulty: EventStore, fault: Fault) -> None:
    heard: list[Recorded] = []
    faulty.on_commit(heard.extend)
    async with one_group(faulty):
        fault.next = "undo"
        works = [
            asyncio.ensure_future(work) for work in (fill(faulty, "p1"), fill(faulty, "p1", -1), fill(faulty, "p1"))
        ]
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable, Refused, StoreUnavailable]
    assert await fill(faulty, "p1", expected=1) == 2
    assert [recorded.version for recorded in heard] == [2]
    await is_whole(faulty, 2)


async def test_noted_cursors_survive_a_failed_group(faulty: EventStore, fault: Fault) -> None:
    faulty.ride("relay", 3, 10)
    fault.next = "begin"
    with pytest.raises(StoreUnavailable):
        await fill(faulty, "p1")
    await fill(faulty, "p1")
    assert (await faulty.cursor("relay"))[3] == 10


async def test_a_full_disk_refuses_and_later_works_succeed(sqlite_backend: MakeBackend) -> None:
    harness = Harness(sqlite_backend)
    store = await harness.open()
    await fill(store, "p1")

    async def limit(pages: int) -> None:
        await store.write(lambda transaction: transaction.connection.one(f"PRAGMA max_page_count={pages}"))

    await limit(1)  # SQLite takes the present size: not one page more
    with pytest.raises(StoreUnavailable, match="full"):
        await fill(store, "p1", note=bytes(1_000_000))
    assert await store.read(purses) == [("p1", 1, 1, b"")]
    await limit(1_000_000)
    assert await fill(store, "p1", expected=1) == 2
    await is_whole(store, 2)
    await harness.close_all()


async def test_a_full_disk_in_a_group_never_answers_what_it_did_not_keep(sqlite_backend: MakeBackend) -> None:
    harness = Harness(sqlite_backend)
    store = await harness.open()
    await fill(store, "p1")
    await store.write(lambda transaction: transaction.connection.one("PRAGMA max_page_count=1"))
    async with one_group(store):
        works = [asyncio.ensure_future(fill(store, "p1", note=bytes(size))) for size in (1, 900_000, 1)]
    answers = await asyncio.gather(*works, return_exceptions=True)
    kept = [answer for answer in answers if isinstance(answer, int)]
    assert kept == list(range(2, 2 + len(kept)))
    await store.write(lambda transaction: transaction.connection.one("PRAGMA max_page_count=1000000"))
    await is_whole(store, 1 + len(kept))
    await harness.close_all()


async def test_sessions_that_the_server_ends(postgres_backend: MakeBackend) -> None:
    harness = Harness(postgres_backend)
    store = await harness.open()
    await fill(store, "p1")
    await store.read(purses)
    other = postgres_backend().connect()
    other.all(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    other.close()
    for answer in await asyncio.gather(fill(store, "p1"), store.read(purses), return_exceptions=True):
        assert not isinstance(answer, Exception) or isinstance(answer, StoreUnavailable)
    version = 1 + len(await store.read_stream("p1", after=1))
    assert await fill(store, "p1", expected=version) == version + 1
    assert (await store.verify()).equal
    await harness.close_all()
