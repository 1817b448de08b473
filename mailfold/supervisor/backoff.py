"""The pause before a crashed child is started again."""

from __future__ import annotations

from shared.clock import doubled

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 30.0
LIVED_LONG_SECONDS = 60.0


class Backoff:
    """A pause that doubles with every crash, and starts again when a child has lived for a while."""

    def __init__(
        self, first: float = FIRST_SECONDS, longest: float = LONGEST_SECONDS, lived_long: float = LIVED_LONG_SECONDS
    ) -> None:
        self._first = first
        self._longest = longest
        self._lived_long = lived_long
        self._crashes = 0

    def after(self, lived: float) -> float:
        """Seconds to wait after the crash of a child that lived for so many seconds."""
        if lived >= self._lived_long:
            self._crashes = 0
        delay = doubled(self._first, self._crashes, self._longest)
        self._crashes += 1
        return delay
