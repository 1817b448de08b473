"""Counts what applications submit within an hour, for those that have a limit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

_MINUTE = 60.0
MINUTES = 60
_REMEMBERED = 10_000
"""Applications whose mails are counted; the one that was silent for longest is forgotten first."""


class SubmissionRates:
    """Mails by account and minute, in memory.

    It is pure; times are passed in, in seconds of a clock that never goes back.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[str, dict[int, int]] = OrderedDict()

    def knows(self, account: str) -> bool:
        """Whether the mails of an account are counted here."""
        return account in self._counts

    def recall(self, account: str, mails: Mapping[int, int], now: float) -> None:
        """Begin to count an account that submitted so many mails so many minutes ago; nothing where it is known."""
        if account not in self._counts:
            present, recent = int(now // _MINUTE), dict[int, int]()
            for age, count in mails.items():
                if age < MINUTES:
                    minute = present - max(age, 0)
                    recent[minute] = recent.get(minute, 0) + count
            self._put(account, recent)

    def has_room(self, account: str, limit: int, now: float) -> bool:
        """Whether one more mail is within the limit of mails in an hour; 0: there is no limit."""
        if not limit:
            return True
        minutes = self._counts.get(account, {})
        oldest = int(now // _MINUTE) - MINUTES
        return sum(count for minute, count in minutes.items() if minute > oldest) < limit

    def take(self, account: str, limit: int, now: float) -> bool:
        """Count one more mail if it is within the limit; returns whether it is."""
        if not limit:
            return True
        if not self.has_room(account, limit, now):
            return False
        minute = int(now // _MINUTE)
        minutes = {at: count for at, count in self._counts.get(account, {}).items() if at > minute - MINUTES}
        minutes[minute] = minutes.get(minute, 0) + 1
        self._put(account, minutes)
        return True

    def _put(self, account: str, minutes: dict[int, int]) -> None:
        self._counts[account] = minutes
        self._counts.move_to_end(account)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
