"""The tests `date` and `currentdate` (RFC 5260 §4, §5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from shared.protocol.message.dates import parse_date
from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.conditions.sources import field_names, picked
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.program import RunFailed, SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import (
    INDEX_TAGS,
    MATCH_TAGS,
    STRING,
    STRINGS,
    NodeSignature,
    Tag,
)
from shared.protocol.sieve.validate.text import ScriptText

_ZONE = re.compile(rb"([+-])([0-9]{2})([0-5][0-9])")
_CLOCK = re.compile(rb"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)[ \t]*(?:[+-][0-9]{4}|[A-Za-z]{1,5})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MODIFIED_JULIAN_1970 = 40587
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST = 512
_EARLIEST = (datetime(1900, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""RFC 5322 §3.3 knows no earlier year."""

Zone = Callable[[ScriptRun], tzinfo | None]
"""The zone in which a time is compared; None is that of the header field."""


def _offset(moment: datetime, colon: str) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{colon}{abs(minutes) % 60:02d}"


def _offset_3339(moment: datetime) -> str:
    """time-offset = "Z" / time-numoffset (RFC 3339 §5.6)"""
    return _offset(moment, ":") if moment.utcoffset() else "Z"


def _standard_11(moment: datetime) -> str:
    """The date-time of RFC 5322 §3.3."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02d} {month} {moment.year:04d} {moment:%H:%M:%S} {_offset(moment, '')}"


# RFC 5260 §4.2
_PARTS: dict[bytes, Callable[[datetime], str]] = {
    b"year": lambda moment: f"{moment.year:04d}",
    b"month": lambda moment: f"{moment.month:02d}",
    b"day": lambda moment: f"{moment.day:02d}",
    b"date": lambda moment: moment.date().isoformat(),
    b"julian": lambda moment: str(moment.date().toordinal() - _EPOCH.toordinal() + _MODIFIED_JULIAN_1970),
    b"hour": lambda moment: f"{moment.hour:02d}",
    b"minute": lambda moment: f"{moment.minute:02d}",
    b"second": lambda moment: f"{moment.second:02d}",
    b"time": lambda moment: f"{moment:%H:%M:%S}",
    b"iso8601": lambda moment: f"{moment.date().isoformat()}T{moment:%H:%M:%S}{_offset_3339(moment)}",
    b"std11": _standard_11,
    b"zone": lambda moment: _offset(moment, ""),
    b"weekday": lambda moment: str(moment.isoweekday() % 7),
}


def read_date(value: bytes) -> datetime | None:
    """The time of a header field in its own zone; of a Received field, that behind its last semicolon."""
    value = value.rpartition(b";")[2][:_LONGEST]
    instant = parse_date(value)
    if instant is None or instant < _EARLIEST:
        return None
    local = parse_date(_CLOCK.sub(rb"\1 +0000", value, count=1))
    seconds = 0 if local is None else (local - instant) // 1_000_000
    zone = timezone(timedelta(seconds=seconds)) if abs(seconds) < 86400 else UTC
    return _in_zone(_EPOCH + timedelta(microseconds=instant), zone)


def _in_zone(moment: datetime, zone: tzinfo) -> datetime | None:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        return None


def _zone(scope: Scope, arguments: Arguments) -> Zone:
    """RFC 5260 §4.1: the local zone is the owner's."""
    if arguments.has("originalzone"):
        return lambda _run: None
    text = arguments.tag_text("zone")
    if text is None:
        return lambda run: run.environment.zone
    if text.constant is not None and _read_zone(text.constant) is None:
        scope.error(text.place, f'{arguments.name}: :zone takes an offset such as "+0100"')

    def given(run: ScriptRun) -> tzinfo:
        zone = _read_zone(text.value(run))
        if zone is None:
            raise RunFailed(":zone has an invalid value")
        return zone

    return given


def _read_zone(value: bytes) -> tzinfo | None:
    match = _ZONE.fullmatch(value)
    if match is None or int(match[2]) > 23:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == b"-" else offset)


def _part(scope: Scope, text: ScriptText) -> Callable[[ScriptRun, datetime], bytes]:
    if text.constant is not None and text.constant.lower() not in _PARTS:
        shown = text.constant[:60].decode("utf-8", "replace")
        scope.error(text.place, f'there is no date part "{shown}"')

    def value(run: ScriptRun, moment: datetime) -> bytes:
        part = _PARTS.get(text.value(run).lower())
        if part is None:
            raise RunFailed("there is no such date part")
        return part(moment).encode("ascii")

    return value


def _date(scope: Scope, arguments: Arguments) -> SieveCondition:
    names, zone = field_names(scope, (arguments.text(0),)), _zone(scope, arguments)
    part = _part(scope, arguments.text(1))
    pick: Callable[[Sequence[bytes]], Sequence[bytes]] | None = picked(scope, arguments)
    matches = compile_match(scope, arguments, arguments.texts(2))

    def condition(run: ScriptRun) -> bool:
        """Without `:index`, the first field that has a date."""
        for name in names(run):
            fields = run.message.header.raw_values(name)
            for field in fields if pick is None else pick(fields):
                moment, chosen = read_date(field), zone(run)
                if moment is not None and chosen is not None:
                    moment = _in_zone(moment, chosen)
                if moment is not None:
                    return matches(run, (part(run, moment),))
        return matches(run, ())

    return condition


def _currentdate(scope: Scope, arguments: Arguments) -> SieveCondition:
    zone, part = _zone(scope, arguments), _part(scope, arguments.text(0))
    matches = compile_match(scope, arguments, arguments.texts(1))

    def condition(run: ScriptRun) -> bool:
        return matches(run, (part(run, run.environment.now.astimezone(zone(run))),))

    return condition


_ZONE_TAG = Tag("zone", STRING, "zone")
TESTS = (
    TestDefinition(
        NodeSignature(
            "date",
            (STRING, STRING, STRINGS),
            (*MATCH_TAGS, _ZONE_TAG, Tag("originalzone", group="zone"), *INDEX_TAGS),
            ("date",),
        ),
        _date,
    ),
    TestDefinition(NodeSignature("currentdate", (STRING, STRINGS), (*MATCH_TAGS, _ZONE_TAG), ("date",)), _currentdate),
)
