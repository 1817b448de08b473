"""One timer for many time limits, and cancellations by others, which are not swallowed."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from shared.grpc.bound import Bound

SOON = 0.05


async def hang(bound: Bound) -> None:
    with bound.running():
        await asyncio.Event().wait()


async def test_it_ends_what_takes_too_long_and_leaves_no_cancellation_behind() -> None:
    with pytest.raises(TimeoutError):
        await hang(Bound(SOON))
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_those_who_began_later_end_later() -> None:
    bound, ended = Bound(SOON), []

    async def call(number: int) -> None:
        with contextlib.suppress(TimeoutError):
            await hang(bound)
        ended.append(number)

    first = asyncio.create_task(call(1))
    await asyncio.sleep(0)
    await asyncio.gather(first, call(2))
    assert ended == [1, 2]


async def test_what_is_over_in_time_is_forgotten() -> None:
    bound = Bound(SOON)
    with bound.running():
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError):  # the timer of the first also serves the second
        await hang(bound)


async def test_somebody_elses_cancellation_stays_one() -> None:
    task = asyncio.create_task(hang(Bound(60.0)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_meets_the_end_stays_one() -> None:
    bound, going = Bound(60.0), asyncio.Event()

    async def call() -> None:
        with bound.running() as running:
            going.set()
            asyncio.get_running_loop().call_soon(running.expire)
            asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)  # type: ignore[union-attr]
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await going.wait()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_block_that_finishes_all_the_same_keeps_its_result() -> None:
    bound = Bound(60.0)

    async def stubborn() -> str:
        with bound.running() as running:
            running.expire()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            return "done"

    task = asyncio.create_task(stubborn())
    assert await task == "done"
    assert task.cancelling() == 0
