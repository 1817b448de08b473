"""Units of work are grouped, are durable before they are answered, and fail one by one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import pytest

from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction, VersionConflict
from shared.eventstore.writer import TOUCHED_A_TURN
from shared.ids import shard_of
from tests.contract.eventstore.faulty import Fault, FaultyBackend
from tests.contract.eventstore.harness import Harness, MakeBackend, fill, single_group
from tests.contract.eventstore.sample import PROVENANCE, Emptied, Filled, Refused, events, purses


def refuse(transaction: Transaction) -> None:
    transaction.append("p0", [Filled("p0", 99)], PROVENANCE)
    raise Refused


async def test_concurrent_works_share_their_commits(store: EventStore) -> None:
    async with single_group(store):
        works = [asyncio.ensure_future(fill(store, f"p{number}")) for number in range(200)]
    assert await asyncio.gather(*works) == [1] * 200
    full_groups = -(-200 // store.backend.group_limit)
    assert store.figures["works"] == 201
    assert store.figures["groups"] <= full_groups + 2


async def test_nobody_is_answered_before_the_commit(harness: Harness) -> None:
    fault = Fault()
    store = await harness.open(FaultyBackend(harness.make_backend(), fault))
    fault.at_gate.clear()
    fault.gate.clear()
    first = asyncio.ensure_future(fill(store, "p1"))
    assert await asyncio.to_thread(fault.at_gate.wait, 10)
    assert not first.done()  # its statements have run, but its group is not committed
    assert await store.read(purses) == []
    fault.gate.set()
    assert await first == 1
    assert await store.read(purses) == [("p1", 1, 1, b"")]


async def test_a_failed_work_takes_back_itself_alone(store: EventStore) -> None:
    async with single_group(store):
        works = [
            asyncio.ensure_future(work)
            for work in (
                fill(store, "p0"),
                store.write(refuse),
                fill(store, "p0"),
                store.write(refuse),
                fill(store, "p0"),
            )
        ]
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert [answer if isinstance(answer, int) else type(answer) for answer in answers] == [1, Refused, 2, Refused, 3]
    assert await store.read(purses) == [("p0", 3, 3, b"")]


@pytest.mark.parametrize("others", [0, 1, 3])
async def test_a_first_work_that_fails_takes_back_itself_alone(store: EventStore, others: int) -> None:
    """It has no savepoint, so its transaction is rolled back, and the others run in a new one."""
    assert await fill(store, "p0") == 1
    async with single_group(store):
        first = asyncio.ensure_future(store.write(refuse))
        works = [asyncio.ensure_future(fill(store, "p0")) for _ in range(others)]
        store.note_cursor("follower", 3, 41)
    with pytest.raises(Refused):
        await first
    assert await asyncio.gather(*works) == [version + 2 for version in range(others)]
    assert await store.read(purses) == [("p0", others + 1, others + 1, b"")]
    assert [(version, position) for _, position, stream, version, *_ in await store.read(events) if stream == "p0"] == [
        (number, number) for number in range(1, others + 2)
    ]
    assert await store.read(lambda reader: reader.all("SELECT name, shard, position FROM cursor")) == [
        ("follower", 3, 41)
    ]
    assert await fill(store, "p0") == others + 2
    assert (await store.verify()).equal


async def test_positions_and_versions_have_no_gaps_after_failures(store: EventStore) -> None:
    async with single_group(store):
        works = [
            asyncio.ensure_future(work)
            for number in range(60)
            for work in (fill(store, f"p{number % 7}"), store.write(refuse))
        ]
    await asyncio.gather(*works, return_exceptions=True)
    by_shard, by_stream = defaultdict(list), defaultdict(list)
    for shard, position, stream, version, *_ in await store.read(events):
        by_shard[shard].append(position)
        by_stream[stream].append(version)
        assert shard == shard_of(stream)
    for numbers in (*by_shard.values(), *by_stream.values()):
        assert numbers == list(range(1, len(numbers) + 1))
    assert sum(map(len, by_stream.values())) == 60


async def test_an_unexpected_version_is_a_conflict(store: EventStore) -> None:
    assert await fill(store, "p1", expected=0) == 1
    with pytest.raises(VersionConflict):
        await fill(store, "p1", expected=0)
    assert await fill(store, "p1", expected=1) == 2


async def test_time_never_goes_back_within_a_stream(harness: Harness, store: EventStore) -> None:
    times = []
    for seconds in (0, -3600, 1, 7200):
        harness.clock.advance(seconds)
        times.append(
            (await store.write(lambda transaction: transaction.append("p1", [Filled("p1", 1)], PROVENANCE)))[0].at
        )
    assert times == sorted(times)
    assert times[-1] == harness.clock.now()


async def test_a_projection_that_fails_takes_the_event_along(store: EventStore) -> None:
    await fill(store, "p1", 5)
    with pytest.raises(Refused):
        await fill(store, "p1", -1)
    assert await store.read(purses) == [("p1", 5, 1, b"")]
    assert len(await store.read(events)) == 1


async def test_a_work_sees_its_own_rows_and_those_of_its_group(store: EventStore) -> None:
    def twice(transaction: Transaction) -> tuple[int, int]:
        before = transaction.version("p1")
        transaction.append("p1", [Filled("p1", 1)], PROVENANCE)
        return before, transaction.version("p1")

    async with single_group(store):
        works = [asyncio.ensure_future(store.write(twice)) for _ in range(3)]
    assert await asyncio.gather(*works) == [(0, 1), (1, 2), (2, 3)]


async def test_a_command_is_answered_from_what_it_wrote(store: EventStore) -> None:
    reason = type(PROVENANCE)(PROVENANCE.actor, command="c1")
    written = await store.write(
        lambda transaction: transaction.append("p1", [Filled("p1", 1), Emptied("p1", "thirst")], reason)
    )
    assert await store.write(lambda transaction: transaction.answered("c1")) == written
    assert await store.write(lambda transaction: transaction.answered("c2")) == []
    assert await store.write(lambda transaction: transaction.answered("")) == []


async def test_listeners_hear_each_committed_event_once_and_in_order(store: EventStore) -> None:
    heard: list[Recorded] = []
    store.on_commit(heard.extend)
    async with single_group(store):
        works = [
            asyncio.ensure_future(work) for number in range(20) for work in (fill(store, "p1"), store.write(refuse))
        ]
    await asyncio.gather(*works, return_exceptions=True)
    await fill(store, "p1")
    assert [recorded.version for recorded in heard] == list(range(1, 22))


async def test_what_was_submitted_before_a_close_is_written(harness: Harness) -> None:
    store = await harness.open()
    works = [asyncio.ensure_future(fill(store, "p1")) for _ in range(50)]
    await asyncio.sleep(0)
    await harness.close(store)
    assert await asyncio.gather(*works) == list(range(1, 51))
    again = await harness.open()
    assert await fill(again, "p1") == 51


async def test_short_works_pass_long_ones(store: EventStore) -> None:
    """However many long units of work wait, a short one waits for at most one of them."""
    order: list[str] = []

    def noted(name: str) -> Callable[[Transaction], None]:
        return lambda _transaction: order.append(name)

    async with single_group(store):
        works = [asyncio.ensure_future(store.write(noted(f"long {number}"), long=True)) for number in range(5)]
        works += [asyncio.ensure_future(store.write(noted(f"short {number}"))) for number in range(3)]
    await asyncio.gather(*works)
    assert order.index("short 2") <= 3
    assert [name for name in order if name.startswith("long")] == [f"long {number}" for number in range(5)]


async def test_a_group_ends_when_it_has_touched_enough(sqlite_backend: MakeBackend) -> None:
    """On SQLite statements run on the event loop, so units that touch many rows do not share one turn of it."""
    harness = Harness(sqlite_backend)
    store = await harness.open()

    def look(transaction: Transaction) -> None:
        for _ in range(300):
            transaction.first_row("SELECT 1")

    before = store.figures["groups"]
    async with single_group(store):
        works = [asyncio.ensure_future(store.write(look)) for _ in range(20)]
    await asyncio.gather(*works)
    assert store.figures["works"] >= 20
    assert store.figures["groups"] - before >= 20 * 600 // TOUCHED_A_TURN
    await harness.close_all()
