"""The values of a search query that are not text: dates, sizes, flags."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

from shared.protocol.search.query import FlagKey, ReceivedKey, SizeKey

_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?\Z", re.A)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[tT](\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,9})?([zZ]|[+-]\d{2}:\d{2})?\Z", re.A)
_AGO = re.compile(r"(\d{1,5})(h|d|w|m|mo|y)\Z", re.A | re.I)
_SIZE = re.compile(r"(\d{1,12})(?:\.(\d{1,3}))?(b|k|kb|m|mb|g|gb)?\Z", re.A | re.I)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
_MICROSECOND = timedelta(microseconds=1)
DATE_FORMS = "A date is written 2026-01-31, 2026-01, 2026, today, yesterday, or 12h, 7d, 2w, 3m, 1y for a time ago."
SIZE_FORMS = "A size is written as a number of octets, or with K, M or G, as in 500K or 1.5M."
STATES = {
    "unread": FlagKey("\\Seen", False),
    "unseen": FlagKey("\\Seen", False),
    "read": FlagKey("\\Seen", True),
    "seen": FlagKey("\\Seen", True),
    "flagged": FlagKey("\\Flagged", True),
    "starred": FlagKey("\\Flagged", True),
    "unflagged": FlagKey("\\Flagged", False),
    "answered": FlagKey("\\Answered", True),
    "unanswered": FlagKey("\\Answered", False),
    "draft": FlagKey("\\Draft", True),
    "forwarded": FlagKey("$Forwarded", True),
}
"""The values of `is:`."""


class BadValue(ValueError):
    """A value that a field does not take. The text is a sentence for the user."""


def received(field: str, value: str, now: datetime) -> ReceivedKey:
    """The key for `before:`, `after:` or `on:`. Days begin in the time zone of `now`. Raises BadValue."""
    try:
        start, end = _span(value.lower(), now, whole_day=field == "on")
    except OverflowError:
        raise BadValue("The date is too long ago or too far away.") from None
    match field:
        case "before":
            return ReceivedKey(before=start)
        case "after":
            return ReceivedKey(since=start)
        case _:
            return ReceivedKey(since=start, before=end)


def size(field: str, value: str) -> SizeKey:
    """The key for `larger:` or `smaller:`, neither of which includes the size itself. Raises BadValue."""
    match = _SIZE.match(value)
    if match is None:
        raise BadValue(SIZE_FORMS)
    unit = _UNITS[(match[3] or "").lower().removesuffix("b")]
    octets = int(match[1]) * unit + int((match[2] or "0").ljust(3, "0")) * unit // 1000
    return SizeKey(least=octets + 1) if field == "larger" else SizeKey(below=octets)


def state(value: str) -> FlagKey:
    """The key for `is:`. Raises BadValue."""
    key = STATES.get(value.lower())
    if key is None:
        raise BadValue(f"After is: one of these is possible: {', '.join(STATES)}.")
    return key


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def _span(value: str, now: datetime, *, whole_day: bool) -> tuple[int, int]:
    """The first moment of a date, and the first one after it."""
    zone = now.tzinfo
    if match := _AGO.match(value):
        moment = _ago(now, int(match[1]), match[2])
        return _day(moment.year, moment.month, moment.day, zone) if whole_day else (microseconds(moment),) * 2
    if value in ("today", "yesterday"):
        day = now - timedelta(days=value == "yesterday")
        return _day(day.year, day.month, day.day, zone)
    if match := _DAY.match(value):
        return _named_span(*(int(number) if number else None for number in match.groups()), zone=zone)
    if match := _MOMENT.match(value):
        moment = _moment(*match.groups(), zone=zone)
        return _day(moment.year, moment.month, moment.day, moment.tzinfo) if whole_day else (microseconds(moment),) * 2
    raise BadValue(DATE_FORMS)


def _named_span(year: int | None, month: int | None, day: int | None, *, zone: tzinfo | None) -> tuple[int, int]:
    assert year is not None
    try:
        if month is None:
            return microseconds(datetime(year, 1, 1, tzinfo=zone)), microseconds(datetime(year + 1, 1, 1, tzinfo=zone))
        if day is None:
            start = datetime(year, month, 1, tzinfo=zone)
            return microseconds(start), microseconds(datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone))
        return _day(year, month, day, zone)
    except ValueError:
        raise BadValue("There is no such day.") from None


def _day(year: int, month: int, day: int, zone: tzinfo | None) -> tuple[int, int]:
    start = datetime(year, month, day, tzinfo=zone)
    following = start.replace(tzinfo=None) + timedelta(days=1)  # not 24 hours later where clocks are changed
    return microseconds(start), microseconds(following.replace(tzinfo=zone))


def _moment(day: str, time: str, offset: str | None, *, zone: tzinfo | None) -> datetime:
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{(offset or '').upper().replace('Z', '+00:00')}")
    except ValueError:
        raise BadValue("There is no such day or time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _ago(now: datetime, number: int, unit: str) -> datetime:
    match unit:
        case "h":
            return now - timedelta(hours=number)
        case "d":
            return now - timedelta(days=number)
        case "w":
            return now - timedelta(weeks=number)
        case _:
            return _months_ago(now, number * (12 if unit == "y" else 1))


def _months_ago(now: datetime, number: int) -> datetime:
    """The same day of an earlier month, or the last day of it."""
    months = now.year * 12 + now.month - 1 - number
    if months < 12:
        raise OverflowError
    year, month = months // 12, months % 12 + 1
    first_of_next = datetime(year + month // 12, month % 12 + 1, 1)
    last_day = (first_of_next - timedelta(days=1)).day
    return now.replace(year=year, month=month, day=min(now.day, last_day))
