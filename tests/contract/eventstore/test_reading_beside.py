"""A store that is opened only for reading: it works beside the writer and leaves no trace."""

from __future__ import annotations

import pytest

from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.store import EventStore, NotReadable
from tests.contract.eventstore.harness import Harness, fill
from tests.contract.eventstore.sample import purses


async def test_it_reads_what_is_committed_and_disturbs_nobody(harness: Harness, store: EventStore) -> None:
    await fill(store, "p1")
    reading = await harness.open_to_read()
    assert await reading.read(purses) == [("p1", 1, 1, b"")]
    assert await fill(store, "p1", expected=1) == 2
    assert (await reading.read(purses))[0][1] == 2
    assert [entry.version for entry in await reading.read_stream("p1")] == [1, 2]
    assert (await reading.verify()).equal
    await harness.close(reading)
    assert await fill(store, "p1", expected=2) == 3


async def test_it_is_refused_every_write(harness: Harness, store: EventStore) -> None:
    await fill(store, "p1")
    reading = await harness.open_to_read()
    with pytest.raises(StoreUnavailable, match="read alone"):
        await fill(reading, "p1")


async def test_an_owner_may_start_beside_it(harness: Harness) -> None:
    store = await harness.open()
    await fill(store, "p1")
    await harness.close(store)
    reading = await harness.open_to_read()
    assert await fill(await harness.open(), "p1", expected=1) == 2
    assert (await reading.read(purses))[0][1] == 2


async def test_a_store_that_nobody_made_is_not_made_by_looking(harness: Harness) -> None:
    for _ in range(2):
        with pytest.raises(NotReadable):
            await harness.open_to_read()


async def test_tables_of_another_release_are_not_read(harness: Harness, store: EventStore) -> None:
    await fill(store, "p1")
    with pytest.raises(NotReadable, match="another release"):
        await harness.open_to_read(version=2)
