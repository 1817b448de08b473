"""IMAP dates, read and written: `date` of SEARCH and `date-time` of INTERNALDATE (RFC 3501 §9)."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from shared.protocol.imap.error import ImapSyntaxError

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBER = {name.lower().encode(): number for number, name in enumerate(_MONTHS, 1)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# date-text = date-day "-" date-month "-" date-year         ; date-day = 1*2DIGIT
_DATE = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")

# date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
# date-day-fixed = (SP DIGIT) / 2DIGIT                      ; a single digit without the space is accepted, too
_DATE_TIME = re.compile(
    rb" ?([0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-5][0-9])"
)


def parse_date(text: bytes) -> date:
    """A day such as `1-Feb-1994`, without quotes. Raises ImapSyntaxError."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ImapSyntaxError("Invalid date")
    day, month, year = match.groups()
    try:
        return date(int(year), _MONTH_NUMBER[month.lower()], int(day))
    except (KeyError, ValueError):
        raise ImapSyntaxError("No such day") from None


def parse_date_time(text: bytes) -> datetime:
    """A moment such as `17-Jul-1996 02:44:25 -0700`, without quotes. Raises ImapSyntaxError."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ImapSyntaxError("Invalid date-time")
    day_text, hours, minutes, seconds, sign, zone_hours, zone_minutes = match.groups()
    day = parse_date(day_text)
    offset = int(zone_hours) * 60 + int(zone_minutes)
    try:
        zone = timezone(timedelta(minutes=-offset if sign == b"-" else offset))
        return datetime.combine(day, time(int(hours), int(minutes), _second(seconds)), zone)
    except ValueError:
        raise ImapSyntaxError("No such time") from None


def _second(text: bytes) -> int:
    """The second; a leap second becomes the second before it, because microseconds since 1970 do not count leap
    seconds."""
    return 59 if text == b"60" else int(text)


def minutes_east(moment: datetime) -> int:
    """How far the zone of an aware datetime is ahead of UTC, in minutes."""
    return (moment.utcoffset() or timedelta()) // timedelta(minutes=1)


def epoch_micros(moment: datetime) -> int:
    """The microseconds since 1970 UTC of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def format_date_time(micros: int, offset_minutes: int = 0) -> bytes:
    """Microseconds since 1970 UTC as a quoted date-time in the given zone.

    Raises OverflowError outside the years 1 to 9999.
    """
    local = _EPOCH + timedelta(microseconds=micros, minutes=offset_minutes)
    hours, minutes = divmod(abs(offset_minutes), 60)
    zone = f"{'-' if offset_minutes < 0 else '+'}{hours:02d}{minutes:02d}"
    return (
        f'"{local.day:2d}-{_MONTHS[local.month - 1]}-{local.year:04d} '
        f'{local.hour:02d}:{local.minute:02d}:{local.second:02d} {zone}"'
    ).encode()


def format_date(day: date) -> bytes:
    """A day as an unquoted date such as `1-Feb-1994`."""
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04d}".encode()
