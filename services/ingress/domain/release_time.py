"""When a submitted mail is released: what its sender asked for (RFC 4865), and the end of the time to undo."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from shared.protocol.smtp.commands import HoldFor, HoldUntil

_SECOND = 1_000_000
Hold = HoldFor | HoldUntil | None


class ReleaseTime(NamedTuple):
    """When a mail goes on, in UTC microseconds; 0: at once."""

    at: int
    is_requested: bool
    """Whether the sender chose it."""


AT_ONCE = ReleaseTime(0, False)


def release_time(hold: Hold, now: int, undo_seconds: float) -> ReleaseTime:
    """The later of what the sender chose and the end of the time to undo. A time that is over holds nothing."""
    requested, undone = _requested(hold, now), now + int(undo_seconds * _SECOND)
    latest = max(requested, undone)
    return ReleaseTime(latest, requested == latest) if latest > now else AT_ONCE


def is_too_late(hold: Hold, now: int, longest: int) -> bool:
    """Whether the sender asked for more than the `longest` seconds that are offered."""
    return _requested(hold, now) > now + longest * _SECOND


def date_time(at: int) -> str:
    """The date-time of RFC 3339 for a time in UTC microseconds."""
    return datetime.datetime.fromtimestamp(at // _SECOND, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _requested(hold: Hold, now: int) -> int:
    match hold:
        case HoldFor(seconds):
            return now + seconds * _SECOND
        case HoldUntil(at):
            return at
        case None:
            return 0
