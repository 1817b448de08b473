"""Time as a value that is passed in: UTC microseconds since the epoch."""

from __future__ import annotations

import time
from typing import Protocol

_MOST_DOUBLINGS = 30


class Clock(Protocol):
    """The source of time of a process."""

    def now(self) -> int:
        """The time in UTC microseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never go back; only for time-outs, never recorded."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that shows a fixed time, for tests and replays."""

    def __init__(self, at: int = 1_700_000_000_000_000) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1_000_000

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        self.at += int(seconds * 1_000_000)


def doubled(first: float, times: int, longest: float) -> float:
    """The pause after so many doublings: it begins with `first` seconds and is `longest` at most."""
    return min(longest, first * float(1 << min(times, _MOST_DOUBLINGS)))
