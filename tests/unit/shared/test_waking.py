"""A wait that ends by the event, by time, or by cancellation: the last is never lost."""

from __future__ import annotations

import asyncio

import pytest

from shared.waking import woken_within


async def test_an_event_ends_it() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await woken_within(event, 60)


async def test_time_ends_it() -> None:
    assert not await woken_within(asyncio.Event(), 0.01)


async def test_a_cancellation_in_the_turn_of_the_event_is_kept() -> None:
    event = asyncio.Event()

    async def for_ever() -> None:
        while True:
            await woken_within(event, 60)
            event.clear()

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    event.set()
    await asyncio.sleep(0)  # the waiter inside is done, the task has not run yet
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task
