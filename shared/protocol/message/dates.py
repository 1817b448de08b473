"""Converts RFC 5322 §3.3 date-times to microseconds since 1970 UTC. It accepts obsolete and common wrong forms."""

import re
from datetime import date

from shared.protocol.structured import blank_comments

_MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = rb"(" + b"|".join(_MONTHS) + rb")"
_CLOCK = rb"(\d{1,2})\s*[:.]\s*(\d{1,2})(?:\s*[:.]\s*(\d{1,2})(?:[.,]\d*)?)?"
_ZONE = rb"(?:\s*(?:GMT|UTC?)?([+-]?\d{4}\b|[+-]\d\d:\d\d)|\s*([A-Za-z]{1,5})\b)?"
_DATE_TIME = re.compile(
    rb"(\d{1,2})[\s-]+" + _MONTH + rb"[a-z]*[\s,-]+(\d{2,4})(?:[\s,]+" + _CLOCK + _ZONE + rb")?", re.I
)
# The `asctime` form of old Unix mailers: Thu Sep 12 10:31:07 2002
_ASCTIME = re.compile(
    _MONTH + rb"[a-z]*\s+(\d{1,2}),?\s+" + _CLOCK + rb"\s+(?:([+-]\d{4})\s+|([a-z]{1,5})\s+)?(\d{4})", re.I
)
# RFC 5322 §4.3: the North American names. Other names have no known offset and are read as UTC.
_HOURS = {
    b"est": -5,
    b"edt": -4,
    b"cst": -6,
    b"cdt": -5,
    b"mst": -7,
    b"mdt": -6,
    b"pst": -8,
    b"pdt": -7,
    b"cet": 1,
    b"cest": 2,
    b"bst": 1,
}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_LONGEST = 256


def parse_date(value: bytes) -> int | None:
    """The microseconds of a Date field's value, or None when it contains no date."""
    date = _read(value)
    return None if date is None else _instant(*date)


def written_day(value: bytes) -> int | None:
    """The day named in a Date field's value, in the sender's zone, as days since 1970-01-01; None without a date."""
    date = _read(value)
    return None if date is None else date[0]


def _read(value: bytes) -> tuple[int, list[bytes]] | None:
    text = blank_comments(value[:_LONGEST])
    if match := _DATE_TIME.search(text):
        day, month, year, *rest = match.groups()
    elif match := _ASCTIME.search(text):
        month, day, *rest, year = match.groups()
    else:
        return None
    days = _days(int(year), len(year), month, int(day))
    return None if days is None else (days, rest)


def _days(year: int, digits: int, month: bytes, day: int) -> int | None:
    if digits < 4:  # RFC 5322 §4.3: two digits, 00-49 → 2000s; three digits count from 1900
        year += 2000 if digits == 2 and year < 50 else 1900
    try:
        return date(year, _MONTHS[month.lower()], day).toordinal() - _EPOCH_DAY
    except (ValueError, KeyError):
        return None


def _instant(days: int, rest: list[bytes]) -> int | None:
    hour, minute, second = (int(part or 0) for part in rest[:3])
    if hour > 24 or minute > 59 or second > 60:  # §3.3: 60 is a leap second
        return None
    return (days * 86400 + hour * 3600 + minute * 60 + second - _offset(rest[3], rest[4])) * 1_000_000


def _offset(numeric: bytes | None, named: bytes | None) -> int:
    """Seconds east of UTC."""
    if numeric:
        digits = numeric.replace(b":", b"").lstrip(b"+-")
        seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        return -seconds if numeric.startswith(b"-") else seconds
    return _HOURS.get(named.lower(), 0) * 3600 if named else 0
