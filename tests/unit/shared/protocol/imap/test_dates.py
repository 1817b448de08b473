"""Dates are parsed and written."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.imap.dates import epoch_micros, format_date, format_date_time, parse_date, parse_date_time
from shared.protocol.imap.error import ImapSyntaxError


def test_date_time() -> None:
    moment = parse_date_time(b"17-Jul-1996 02:44:25 -0700")
    assert moment == datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(hours=-7)
    assert epoch_micros(moment) == 837_596_665_000_000
    assert format_date_time(837_596_665_000_000, -420) == b'"17-Jul-1996 02:44:25 -0700"'
    assert format_date_time(0) == b'" 1-Jan-1970 00:00:00 +0000"'
    assert format_date_time(0, 345) == b'" 1-Jan-1970 05:45:00 +0545"'
    assert parse_date_time(b" 1-jan-1970 00:00:00 +0000") == parse_date_time(b"1-Jan-1970 00:00:00 +0000")
    assert parse_date_time(b"31-Dec-2016 23:59:60 +0000").second == 59


@given(st.datetimes(min_value=datetime(1901, 1, 2), max_value=datetime(9998, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_date_times_come_back(local: datetime, offset: int) -> None:
    moment = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    wire = format_date_time(epoch_micros(moment), offset)
    read = parse_date_time(wire[1:-1])
    assert (read, read.utcoffset()) == (moment, moment.utcoffset())


@given(st.dates())
def test_dates_come_back(day: date) -> None:
    assert parse_date(format_date(day)) == day


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1",
        b"32-Jan-2000",
        b"0-Jan-2000",
        b"30-Feb-2000",
        b"1-Foo-2000",
        b"1-Jan-0000",
        b"1-Jan-00",
        b"1-Jan-20000",
        b"1 Jan 2000",
        b"\xb9-Jan-2000",
        b"1-Jan-2000 ",
    ],
)
def test_broken_dates(text: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_date(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1-Jan-2000",
        b"1-Jan-2000 00:00:00",
        b"1-Jan-2000 00:00:00 GMT",
        b"1-Jan-2000 24:00:00 +0000",
        b"1-Jan-2000 00:60:00 +0000",
        b"1-Jan-2000 00:00:61 +0000",
        b"1-Jan-2000 00:00:00 +0060",
        b"1-Jan-2000 00:00:00 +2400",
        b"1-Jan-2000 00:00:00 +9959",
        b"1-Jan-2000 00:00:00 0000",
        b"30-Feb-2000 00:00:00 +0000",
        b"1-Jan-0000 00:00:00 +0000",
    ],
)
def test_broken_date_times(text: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_date_time(text)


@pytest.mark.parametrize("text", [b"1-Jan-0001 00:00:00 +1400", b"31-Dec-9999 23:59:59 -1400"])
def test_the_ends_of_time_have_a_count(text: bytes) -> None:
    assert isinstance(epoch_micros(parse_date_time(text)), int)
