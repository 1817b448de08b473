"""Octets that each account has used up within the present hour, in memory."""

from __future__ import annotations

from shared.clock import Clock

_HOUR = 3_600_000_000


class HourlyOctets:
    """Counts by account, anew each hour."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._hour = 0
        self._done: dict[str, int] = {}

    def is_spent(self, account: str) -> bool:
        """Whether the account may use no more within this hour."""
        self._begin_hour()
        return self._done.get(account, 0) >= self._most

    def add(self, account: str, octets: int) -> None:
        """Count what was used."""
        self._begin_hour()
        self._done[account] = self._done.get(account, 0) + octets

    def _begin_hour(self) -> None:
        hour = self._clock.now() // _HOUR
        if hour != self._hour:
            self._hour = hour
            self._done.clear()
