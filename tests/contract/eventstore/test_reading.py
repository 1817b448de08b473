"""Events are read in order and in pages, with cursors, and while others write."""

from __future__ import annotations

import asyncio

import pytest

from shared.eventstore.event import UnknownEvent
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import shard_of
from tests.contract.eventstore.harness import Harness, fill
from tests.contract.eventstore.sample import PROVENANCE, Emptied, Filled, Refused, purses

SHARD = shard_of("p1")


async def test_a_shard_is_read_in_order_and_in_pages(store: EventStore) -> None:
    for _ in range(25):
        await fill(store, "p1")
    pages, after = [], 0
    while page := await store.read_events(SHARD, after, limit=10):
        pages.append([recorded.position for recorded in page])
        after = pages[-1][-1]
    assert pages == [list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]


async def test_what_is_read_is_what_was_written(store: EventStore) -> None:
    written = await store.write(
        lambda transaction: transaction.append(
            "p1", [Filled("p1", 3, b"\x00\xff"), Emptied("p1", "Durst? 100%")], PROVENANCE
        )
    )
    assert await store.read_events(SHARD, 0) == written
    assert await store.read_stream("p1", after=1) == written[1:]


async def test_heads_are_the_last_positions(store: EventStore) -> None:
    assert await store.heads() == {}
    await asyncio.gather(*(fill(store, "p1") for _ in range(3)))
    assert await store.heads() == {SHARD: 3}


async def test_owners_of_streams_choose_the_shard(store: EventStore) -> None:
    (recorded,) = await store.write(
        lambda transaction: transaction.append("drawer", [Filled("p1", 1)], PROVENANCE, owner="p1")
    )
    assert (recorded.shard, recorded.stream) == (SHARD, "drawer")


async def test_an_event_of_an_old_schema_is_converted(store: EventStore) -> None:
    row = (SHARD, 1, "p1", 1, "purse.emptied", 1, 1, "", "", "", '{"kind":"system"}', b'{"purse":"p1"}')
    sql = (
        "INSERT INTO event (shard, position, stream, version, type, schema, at, cause, correlation, command, actor, "
        "data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    await store.write(lambda transaction: transaction.connection.execute(sql, row))
    (recorded,) = await store.read_events(SHARD, 0)
    assert recorded.event == Emptied("p1", "unknown")
    await store.write(lambda transaction: transaction.connection.execute("UPDATE event SET schema = 3"))
    with pytest.raises(UnknownEvent):
        await store.read_events(SHARD, 0)


async def test_a_followers_position_is_committed_with_its_effect(store: EventStore) -> None:
    def effect(transaction: Transaction, position: int, *, fails: bool) -> None:
        transaction.append("p1", [Filled("p1", 1)], PROVENANCE)
        transaction.set_cursor("training", {3: position, 4: position + 1})
        if fails:
            raise Refused

    await store.write(lambda transaction: effect(transaction, 7, fails=False))
    with pytest.raises(Refused):
        await store.write(lambda transaction: effect(transaction, 9, fails=True))
    cursor = await store.cursor("training")
    assert (cursor[3], cursor[4], cursor[5]) == (7, 8, 0)
    assert await store.read(purses) == [("p1", 1, 1, b"")]


async def test_noted_cursors_are_written_with_the_next_group(store: EventStore) -> None:
    store.note_cursor("relay", 3, 10)
    store.note_cursor("relay", 3, 8)
    assert (await store.cursor("relay"))[3] == 0
    await fill(store, "p1")
    assert (await store.cursor("relay"))[3] == 10


async def test_noted_cursors_are_written_at_a_close(harness: Harness) -> None:
    store = await harness.open()
    store.note_cursor("relay", 3, 10)
    await harness.close(store)
    assert (await (await harness.open()).cursor("relay"))[3] == 10


async def test_reads_see_whole_groups_beside_running_writes(store: EventStore) -> None:
    def both(transaction: Transaction) -> None:
        transaction.append("p1", [Filled("p1", 1)], PROVENANCE)
        transaction.append("p2", [Filled("p2", 1)], PROVENANCE)

    async def look() -> set[int]:
        seen = set()
        for _ in range(50):
            rows = await store.read(purses)
            assert len({row[1] for row in rows}) <= 1
            seen.add(rows[0][1] if rows else 0)
            await asyncio.sleep(0)
        return seen

    writes = asyncio.gather(*(store.write(both) for _ in range(300)))
    await asyncio.gather(look(), look())
    await writes
    assert await store.read(purses) == [("p1", 300, 300, b""), ("p2", 300, 300, b"")]


async def test_long_reads_leave_the_loop_free(store: EventStore) -> None:
    await fill(store, "p1")
    assert await store.read_long(purses) == await store.read(purses)
