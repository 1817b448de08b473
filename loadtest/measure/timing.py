"""Times one operation many times: the median of one, and the server's CPU for one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable

from loadtest.figures import ImapTiming
from loadtest.measure.bench import Meters
from loadtest.watching import Progress

Act = Callable[[int], Awaitable[object]]
"""Does the operation; the argument counts from 0."""


async def timed(operation: str, size: int, repeats: int, act: Act, meters: Meters, progress: Progress) -> ImapTiming:
    """Waits for quiet, does it `repeats` times, waits for quiet: what follows an operation is counted too."""
    await meters.quiet(progress)
    before = sum(meters.cpu().values())
    walls = [await _once(act, number) for number in range(repeats)]
    await meters.quiet(progress)
    spent = sum(meters.cpu().values()) - before
    cpu = round(spent * 1000 / repeats, 3) if meters.server else None
    return ImapTiming(
        operation=operation, mailbox_size=size, repeats=repeats, wall_ms=round(statistics.median(walls) * 1000, 3), cpu_ms=cpu
    )


async def _once(act: Act, number: int) -> float:
    began = time.monotonic()
    await act(number)
    return time.monotonic() - began
