"""The limits of an account: what it may send to other servers in an hour and in a day.

Mail above a limit is held until the window has room. Each held mail counts at the time of its release, so that a burst
leaves at the permitted rate and not all at once when the first window ends.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class CountedMail(NamedTuple):
    """A mail of the account that counts: when it leaves (UTC microseconds), and its recipients so far."""

    at: int
    recipients: int


class LimitExceeded(NamedTuple):
    """The limit that a mail exceeds, and when there is room for it (UTC microseconds)."""

    reason: str
    until: int


def exceeded(limits: SendingLimits, others: Sequence[CountedMail], own: int, now: int) -> LimitExceeded | None:
    """The limit that one more recipient of a mail exceeds, with the latest time of room; None within all limits.

    `others` are the account's other mails of the last day, oldest first; `own` is the number of recipients that this
    mail has already.
    """
    windows = (
        (limits.mails_an_hour, "mails an hour", HOUR, 1, False),
        (limits.mails_a_day, "mails a day", DAY, 1, False),
        (limits.recipients_an_hour, "recipients an hour", HOUR, own + 1, True),
        (limits.recipients_a_day, "recipients a day", DAY, own + 1, True),
    )
    results = [
        LimitExceeded(f"the account sends more than {limit} {name}", until)
        for limit, name, window, more, by_recipient in windows
        if limit and (until := _room_at(limit - more, others, window, now, by_recipient=by_recipient)) > now
    ]
    return max(results, key=lambda result: result.until, default=None)


def _room_at(room: int, others: Sequence[CountedMail], window: int, now: int, *, by_recipient: bool) -> int:
    """When at most `room` of the other mails are left in a window that ends then."""
    counted = 0
    for mail in reversed(others):
        if mail.at <= now - window:
            break
        counted += mail.recipients if by_recipient else 1
        if counted > room:
            return mail.at + window
    return now
