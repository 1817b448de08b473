"""The limits of an account: what it may send to other servers in an hour and in a day.

Mail above a limit is held until the window has room. What is held counts at the time of its release, so that a burst
leaves at the permitted rate and not all at once when the first window ends.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

import msgspec

HOUR = 3_600_000_000
DAY = 24 * HOUR


class SendingLimits(msgspec.Struct, frozen=True):
    """The most that one account sends in a moving window; 0: no limit."""

    mails_an_hour: int = 0
    mails_a_day: int = 0
    recipients_an_hour: int = 0
    recipients_a_day: int = 0
    new_recipients_a_day: int = 0

    @property
    def has_any(self) -> bool:
        """Whether anything is limited."""
        return self != SendingLimits()


class Counted(Enum):
    """What a window counts."""

    OTHER_MAILS = auto()
    """The account's mails but the one that is enqueued: its further recipients make it no further mail."""
    RECIPIENTS = auto()
    """The recipients of all its mails, this one included, so that one mail to very many is limited too."""


NthNewest = Callable[[Counted, int, int], int | None]
"""The time at which the n-th newest (from 0) of what is counted leaves, if it leaves after a time: (what, after, n)."""


class LimitExceeded(NamedTuple):
    """The limit that a mail exceeds, and when there is room for it (UTC microseconds)."""

    reason: str
    until: int


def exceeded(limits: SendingLimits, nth_newest: NthNewest, now: int) -> LimitExceeded | None:
    """The limit that one more recipient exceeds, with the latest time of room; None within all limits."""
    windows = (
        (limits.mails_an_hour, Counted.OTHER_MAILS, "mails an hour", HOUR),
        (limits.mails_a_day, Counted.OTHER_MAILS, "mails a day", DAY),
        (limits.recipients_an_hour, Counted.RECIPIENTS, "recipients an hour", HOUR),
        (limits.recipients_a_day, Counted.RECIPIENTS, "recipients a day", DAY),
    )
    results = [
        LimitExceeded(f"the account sends more than {limit} {name}", at + length)
        for limit, counted, name, length in windows
        if limit and (at := nth_newest(counted, now - length, limit - 1)) is not None
    ]
    return max(results, key=lambda result: result.until, default=None)
