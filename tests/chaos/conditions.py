"""Waits for a condition; the only module of these tests that sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

_LOOK_SECONDS = 0.05


class NotReached(AssertionError):
    """The condition did not come true in time."""


async def until(
    condition: Callable[[], Awaitable[bool] | bool], what: str, seconds: float, look: float = _LOOK_SECONDS
) -> float:
    """Wait until the condition holds; returns the seconds that this took. Raises NotReached."""
    began = time.monotonic()
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return time.monotonic() - began
        if time.monotonic() - began > seconds:
            raise NotReached(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(look)


async def pause(seconds: float) -> None:
    """Wait a moment before a client tries again, or before the next kill."""
    await asyncio.sleep(seconds)
