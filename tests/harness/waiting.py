"""The only module in which tests wait: for a condition, with a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds after which a condition is given up. Other tests share the machine, so it is long; a wait ends as soon as the
condition holds."""
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.1


class NeverHappened(AssertionError):
    """The condition did not become true in time."""


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """The first truthy value of `condition`. Raises NeverHappened, naming `what` and the last value."""
    end, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while not (result := condition()):
        if time.monotonic() > end:
            raise NeverHappened(f"{what}: not within {seconds:g} s; last: {result!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return result


async def until_true(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = PATIENCE, pause: float = 0.01
) -> None:
    """Wait for a condition, checking it between turns of the event loop. Raises NeverHappened."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value if isinstance(value, bool) else await value:
            return
        if time.monotonic() > end:
            raise NeverHappened(f"not within {seconds:g} s")
        await asyncio.sleep(pause)
