"""Retention: old events are replaced by a snapshot that was checked first."""

from __future__ import annotations

import pytest

from shared.eventstore.connection import Reader
from shared.eventstore.snapshot import Capture, SnapshotDiffers, compact
from shared.eventstore.store import EventStore
from shared.ids import shard_of
from tests.contract.eventstore.harness import Harness, fill
from tests.contract.eventstore.sample import Kept, Purses, capture, events, purses

DAY = 86_400


async def shorten(store: EventStore, stream: str, before: int, how: Capture = capture) -> int:
    projections = [projection for projection in store.projections if isinstance(projection, Purses)]
    return await store.write(lambda transaction: compact(transaction.connection, stream, before, projections, how))


@pytest.fixture
async def aged(harness: Harness, store: EventStore) -> EventStore:
    """Ten events of p1 and p2, a day apart."""
    for number in range(10):
        harness.clock.advance(DAY)
        await fill(store, "p1", number, note=b"\x00%d" % number)
        await fill(store, "p2", 1)
    return store


async def test_old_events_become_a_snapshot_and_the_rows_stay(harness: Harness, aged: EventStore) -> None:
    sound = await aged.read(purses)
    border = harness.clock.now() - 3 * DAY * 1_000_000 + 1
    assert await shorten(aged, "p1", border) == 7
    assert [row[3] for row in await aged.read(events) if row[2] == "p1"] == [8, 9, 10]
    assert (await aged.verify()).equal
    assert await aged.rebuild() == 10 + 3 + 1
    assert await aged.read(purses) == sound
    assert await shorten(aged, "p1", border) == 0


async def test_a_snapshot_of_a_snapshot(harness: Harness, aged: EventStore) -> None:
    sound = await aged.read(purses)
    for days in (8, 5, 2):
        await shorten(aged, "p1", harness.clock.now() - days * DAY * 1_000_000 + 1)
    assert await aged.rebuild() == 10 + 2 + 1
    assert await aged.read(purses) == sound


async def test_positions_and_versions_go_on_when_every_event_is_folded(harness: Harness, aged: EventStore) -> None:
    for purse in ("p1", "p2"):
        await shorten(aged, purse, harness.clock.now() + 1)
    assert await aged.read(events) == []
    await harness.close(aged)
    store = await harness.open()
    shared = shard_of("p1") == shard_of("p2")
    assert await fill(store, "p1", expected=10) == 11
    (row,) = await store.read(events)
    assert row[:4] == (shard_of("p1"), 21 if shared else 11, "p1", 11)
    assert (await store.verify()).equal


async def test_a_snapshot_that_differs_drops_nothing(harness: Harness, aged: EventStore) -> None:
    def forgetful(reader: Reader, stream: str) -> Kept:
        kept = capture(reader, stream)
        return Kept(kept.purse, kept.coins, kept.times - 1, kept.note)

    log = await aged.read(events)
    with pytest.raises(SnapshotDiffers):
        await shorten(aged, "p1", harness.clock.now(), forgetful)
    assert await aged.read(events) == log
    assert await aged.read(lambda reader: reader.all("SELECT * FROM snapshot")) == []
    assert (await aged.verify()).equal
