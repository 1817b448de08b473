"""Makes guessing passwords slow: each refused log-in of an address takes longer than the one before."""

from __future__ import annotations

from collections import OrderedDict

from shared.clock import Clock

_KEPT_ADDRESSES = 10_000
_FORGET_SECONDS = 600.0


class LoginGuard:
    """Remembers refusals by client address, for ten minutes and a bounded number of addresses."""

    def __init__(self, clock: Clock, first: float, longest: float) -> None:
        self._clock = clock
        self._first = first
        self._longest = longest
        self._refusals: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def refused(self, address: str) -> float:
        """Note a refusal; the seconds its answer is to be held back."""
        now = self._clock.monotonic()
        count, last = self._refusals.pop(address, (0, now))
        count = 1 if now - last > _FORGET_SECONDS else count + 1
        self._refusals[address] = (count, now)
        while len(self._refusals) > _KEPT_ADDRESSES:
            self._refusals.popitem(last=False)
        return min(self._first * 2.0 ** min(count - 1, 30), self._longest)

    def accepted(self, address: str) -> None:
        """A log-in succeeded: this address starts afresh."""
        self._refusals.pop(address, None)
