"""Waiting for an event or for time to pass, whichever is first."""

from __future__ import annotations

import asyncio


async def woken_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, at most so many seconds; whether it is.

    Not `asyncio.wait_for`: on Python 3.11 that swallows a cancellation which meets the event in the same turn of the
    loop, and the loop that was cancelled goes on for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
