"""Followers read the log in bounded pages, filtered, and only when it is the log that they have followed."""

from __future__ import annotations

import pytest

from shared.eventstore.event import Event
from shared.eventstore.log_reading import CLOCK_SLACK, PAGE_ROWS, LogPosition
from shared.eventstore.store import EventStore
from shared.ids import shard_of
from tests.contract.eventstore.harness import Harness
from tests.contract.eventstore.restored import restored_to
from tests.contract.eventstore.sample import PROVENANCE, Emptied, Filled, capture

SHARD = shard_of("p1")
LONGER = CLOCK_SLACK / 1_000_000 + 1


async def append(harness: Harness, store: EventStore, *events: Event) -> list[LogPosition]:
    """Append events a second apart; returns their places."""
    places = []
    for event in events:
        harness.clock.advance(1)
        (entry,) = await store.write(lambda transaction, event=event: transaction.append("p1", [event], PROVENANCE))  # type: ignore[misc]
        places.append(LogPosition(entry.position, entry.at))
    return places


async def test_pages_are_bounded_and_reach_the_end(harness: Harness, store: EventStore) -> None:
    events = [Filled("p1", 1)] * (2 * PAGE_ROWS + 3)
    (*_, last) = await store.write(lambda transaction: transaction.append("p1", events, PROVENANCE))
    after, sizes = 0, []
    while after < last.position:
        page = await store.read_page(SHARD, after, last.position)
        sizes.append(len(page.rows))
        after = page.reached.position
    assert sum(sizes) == len(events) and max(sizes) <= PAGE_ROWS + 1
    assert page.reached == LogPosition(last.position, last.at)


async def test_what_a_filter_passes_over_is_passed_for_good(harness: Harness, store: EventStore) -> None:
    await append(harness, store, Filled("p1", 1), Emptied("p1", "thirst"), Filled("p1", 1), Filled("p1", 1))
    heads = await store.places()
    page = await store.read_page(SHARD, 0, 4, ("purse.empt",))
    assert [row[1] for row in page.rows] == [2]
    assert page.reached == heads[SHARD]
    page = await store.read_page(SHARD, 3, 4, ("purse.empt",))
    assert (page.rows, page.reached) == ([], heads[SHARD])


async def test_a_page_begins_with_the_event_that_the_reader_knows(harness: Harness, store: EventStore) -> None:
    first, second = await append(harness, store, Filled("p1", 1), Filled("p1", 2))
    page = await store.read_page(SHARD, first.position, second.position)
    assert page.before is not None and page.before[1] == first.position
    assert [row[1] for row in page.rows] == [second.position]


async def test_the_same_log_is_agreed_to_the_place(harness: Harness, store: EventStore) -> None:
    *_, last = await append(harness, store, *[Filled("p1", 1)] * 5)
    for place in (last, LogPosition(last.position, 0), LogPosition(0, 0)):
        agreed = await store.agreed({SHARD: place})
        assert agreed[SHARD].position == place.position
    assert (await store.agreed({SHARD: LogPosition(last.position, 0)}))[SHARD] == last


@pytest.mark.parametrize("written_since", [0, 1, 4, 20])
async def test_a_restored_log_is_agreed_to_where_it_was_restored(
    harness: Harness, store: EventStore, written_since: int
) -> None:
    """For any number of events written since: fewer than were lost, as many, or more."""
    places = await append(harness, store, *[Filled("p1", 1)] * 4)
    harness.clock.advance(LONGER)
    lost = await append(harness, store, *[Filled("p1", 2)] * 4)
    store = await restored_to(harness, store, {SHARD: places[-1].position})
    harness.clock.advance(1)
    await append(harness, store, *[Filled("p1", 3)] * written_since)
    assert (await store.agreed({SHARD: lost[-1]}))[SHARD] == places[-1]


async def test_a_place_without_a_time_ahead_of_the_log_agrees_to_nothing(harness: Harness, store: EventStore) -> None:
    (place,) = await append(harness, store, Filled("p1", 1))
    assert (await store.agreed({SHARD: LogPosition(place.position + 1, 0)}))[SHARD] == LogPosition(0, 0)


async def test_events_that_were_folded_into_a_snapshot_are_no_other_log(harness: Harness, store: EventStore) -> None:
    from shared.eventstore.snapshot import compact

    places = await append(harness, store, *[Filled("p1", 1)] * 4)
    before = harness.clock.now() + 1
    await store.write(
        lambda transaction: compact(transaction.connection, "p1", before, store.projections, capture), long=True
    )
    for place in places:
        assert (await store.agreed({SHARD: place}))[SHARD] == place
    assert await store.heads() == {SHARD: 4}
    page = await store.read_page(SHARD, 0, 4)
    assert (page.rows, page.reached.position) == ([], 4)
