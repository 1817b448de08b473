"""Time as a value that is handed in: UTC microseconds since the epoch."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a process takes its time from."""

    def now(self) -> int:
        """UTC, microseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never go back; for time-outs only, never recorded."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands where it is put; for tests and for replays."""

    def __init__(self, at: int = 1_700_000_000_000_000) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1_000_000

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        self.at += int(seconds * 1_000_000)
