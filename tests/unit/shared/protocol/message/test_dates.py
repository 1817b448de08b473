"""RFC 5322 §3.3 dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.dates import parse_date, written_day


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", utc(1997, 11, 21, 15, 55, 6)),
        (b"21 Nov 97 09:55:06 GMT", utc(1997, 11, 21, 9, 55, 6)),
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", utc(1997, 11, 21, 15, 55, 6)),
        (b"Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)", utc(1969, 2, 14, 3, 2)),
        (b"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", utc(1996, 7, 17, 9, 23, 25)),
        (b"Wed, 17 Jul 1996 02:23:25 PDT", utc(1996, 7, 17, 9, 23, 25)),
        (b"Mon, 23 Nov 2026 10:00 +01:00", utc(2026, 11, 23, 9)),
        (b"Mon, 23 Nov 2026 10:00:00 GMT+0100", utc(2026, 11, 23, 9)),
        (b"Mon, 23 Nov 2026 10:00:00 0530", utc(2026, 11, 23, 4, 30)),
        (b"23-Nov-2026 10:00:00 Z", utc(2026, 11, 23, 10)),
        (b"23 November 2026, 10:00:00", utc(2026, 11, 23, 10)),
        (b"Thu Sep 12 10:31:07 2002", utc(2002, 9, 12, 10, 31, 7)),
        (b"Thu Sep 12 10:31:07 PDT 2002", utc(2002, 9, 12, 17, 31, 7)),
        (b"1 Jan 49 00:00:00 +0000", utc(2049, 1, 1)),
        (b"1 Jan 50 00:00:00 +0000", utc(1950, 1, 1)),
        (b"1 Jan 102 00:00:00 +0000", utc(2002, 1, 1)),
        (b"31 Dec 2016 23:59:60 +0000", utc(2017, 1, 1)),
        (b"23 Nov 2026", utc(2026, 11, 23)),
        (b"31 Feb 2026 10:00:00 +0000", None),
        (b"1 Foo 2026 10:00:00 +0000", None),
        (b"1 Jan 2026 99:00:00 +0000", None),
        (b"1 Jan 0000 00:00:00 +0000", None),
        (b"soon", None),
        (b"", None),
    ],
)
def test_dates(value: bytes, expected: int | None) -> None:
    assert parse_date(value) == expected


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9000, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_every_instant_in_every_zone(when: datetime, minutes: int) -> None:
    local = when.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    spelled = f"{local:%a, %d %b} {local.year:04d} {local:%H:%M:%S} {zone}"
    assert parse_date(spelled.encode()) == int(local.timestamp()) * 1_000_000


@given(
    st.lists(
        st.sampled_from([b"1", b"23", b"Nov", b"2026", b":", b" ", b"+0100", b"GMT", b"(", b")", b",", b"-", b"\xff"])
    ).map(b"".join)
)
def test_never_raises(value: bytes) -> None:
    parse_date(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Tue, 3 Mar 2026 23:30:00 -0800", datetime(2026, 3, 3)),
        (b"Wed, 4 Mar 2026 00:30:00 +1300", datetime(2026, 3, 4)),
        (b"Thu Sep 12 23:31:07 PDT 2002", datetime(2002, 9, 12)),
        (b"31 Dec 2016 23:59:60 +0000", datetime(2016, 12, 31)),
        (b"23 Nov 2026", datetime(2026, 11, 23)),
    ],
)
def test_the_day_is_the_one_that_is_written(value: bytes, expected: datetime) -> None:
    assert written_day(value) == (expected - datetime(1970, 1, 1)).days


@pytest.mark.parametrize("value", [b"", b"yesterday", b"31 Feb 2026 10:00:00 +0000"])
def test_no_day_is_written(value: bytes) -> None:
    assert written_day(value) is None
