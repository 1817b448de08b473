"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Callable

RETRY_SECONDS = (0.2, 1.0, 3.0, 10.0, 30.0)
"""Delay before the second, third, … delivery of a message whose handler failed; the last one repeats."""

MEND_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Delay before the streams are declared again after that failed; the last one repeats."""


def delay_after(failures: int, schedule: tuple[float, ...], chance: Callable[[], float]) -> float:
    """Seconds to wait after so many failures (from 1): the schedule's value, between 75 % and 125 % of it by `chance`
    (0 to 1).
    """
    return schedule[min(failures, len(schedule)) - 1] * (0.75 + chance() / 2)
