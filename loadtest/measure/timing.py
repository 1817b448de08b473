"""Times one operation many times: its median, and the server's CPU for one operation."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from loadtest.figures import ImapTiming
from loadtest.measure.bench import Meters
from loadtest.meter.work import Work, between
from loadtest.watching import Progress

Act = Callable[[int], Awaitable[object]]
"""Does the operation; the argument counts from 0."""


class _Round(NamedTuple):
    """The results of one round: the seconds of each operation, and the work of the server until it was idle."""

    walls: list[float]
    cpu: float
    passed: Work


async def timed(
    operation: str, size: int, repeats: int, act: Act, meters: Meters, progress: Progress, rounds: int = 1
) -> ImapTiming:
    """Do the operation `repeats` times between two idle moments of the server, in several rounds.

    So work that follows an operation is included. Figures are medians of the rounds, because rare work (a checkpoint of
    a store) is not in most of them.
    """
    await meters.quiet(progress)
    done = [await _round(act, repeats, number * repeats, meters, progress) for number in range(rounds)]
    spent = [done_round.cpu * 1000 / repeats for done_round in done]
    return ImapTiming(
        operation=operation,
        mailbox_size=size,
        repeats=repeats,
        rounds=rounds,
        wall_ms=round(statistics.median(wall for done_round in done for wall in done_round.walls) * 1000, 3),
        cpu_ms=round(statistics.median(spent), 3) if meters.server else None,
        least_cpu_ms=round(min(spent), 3) if meters.server else None,
        work={
            name: round(statistics.median(done_round.passed[name] for done_round in done) / repeats, 3)
            for name in done[0].passed
        },
    )


async def _round(act: Act, repeats: int, first: int, meters: Meters, progress: Progress) -> _Round:
    cpu, passed = sum(meters.cpu().values()), meters.passed()
    walls = [await _once(act, first + step) for step in range(repeats)]
    await meters.quiet(progress)
    return _Round(walls, sum(meters.cpu().values()) - cpu, between(passed, meters.passed()))


async def counted(
    operation: str, size: int, repeats: int, act: Act, meters: Meters, progress: Progress, rounds: int
) -> ImapTiming:
    """Like `timed`, with the work of the stores. Asking twice shows the work of asking, which is subtracted."""
    first, begin = await meters.stored(), await meters.stored()
    timing = await timed(operation, size, repeats, act, meters, progress, rounds)
    done, asking = between(begin, await meters.stored()), between(first, begin)
    stored = {name: round(max(0.0, count - asking[name]) / (repeats * rounds), 3) for name, count in done.items()}
    return msgspec.structs.replace(timing, work=stored | timing.work)


async def _once(act: Act, number: int) -> float:
    began = time.monotonic()
    await act(number)
    return time.monotonic() - began
