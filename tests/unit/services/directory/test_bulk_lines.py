"""Lines of imports: their forms, their mistakes, and the units of work that they make."""

from __future__ import annotations

import pytest

from services.directory.domain.bulk_lines import (
    LINE_LIMIT,
    UNIT_LINES,
    UNIT_OCTETS,
    PreparedLine,
    as_time,
    microseconds,
    parsed,
    units,
    words_of,
    written,
)
from services.directory.domain.line_kinds import AccountLine, AliasLine, AnyLine, DomainLine, UserLine, ValueLine
from services.directory.domain.state import DirectoryRefused


def test_json_and_the_texts_of_csv_are_the_same_line() -> None:
    line = AccountLine("ann@a.example", "ann", quota_bytes=5, disabled=True)
    assert parsed(b'{"kind":"account","address":"ann@a.example","user":"ann","quota_bytes":5,"disabled":true}') == line
    assert parsed(b'{"kind":"account","address":"ann@a.example","user":"ann","quota_bytes":"5","disabled":"1"}') == line
    assert parsed(written(line)) == line


def test_lists_may_be_texts() -> None:
    alias = parsed(b'{"kind":"alias","address":"x@a.example","targets":"a@b.example  c@d.example","owners":"A B, C"}')
    assert isinstance(alias, AliasLine)
    assert words_of(alias.targets) == ("a@b.example", "c@d.example")
    assert words_of(alias.owners, ",") == ("A B", "C")
    assert words_of(("A, B",), ",") == ("A, B",)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (
            b'{"kind":"users","name":"secret-word"}',
            "kind is one of domain, user, group, account, application, alias, list, members, ",
        ),
        (b'{"name":"secret-word"}', "missing required field `kind`"),
        (b'{"kind":"user","name":"ann","pasword":"secret-word"}', "unknown field `pasword`"),
        (b'{"kind":"user","name":"ann","password":{"secret-word":1}}', "`\\$.password`"),
        (b'{"kind":"account","address":"a@b.example","quota_bytes":-1,"password":"secret-word"}', "`\\$.quota_bytes`"),
        (b'{"kind":"user","name":"secret-word"', "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 5000, "got `array`"),
        (b"x" * (LINE_LIMIT + 1), f"at most {LINE_LIMIT} octets"),
    ],
)
def test_a_mistake_shows_no_value(octets: bytes, text: str) -> None:
    with pytest.raises(DirectoryRefused, match=text) as refused:
        parsed(octets)
    assert "secret-word" not in str(refused.value)


def test_a_line_does_not_show_its_password() -> None:
    assert "secret-word" not in repr(PreparedLine(1, UserLine("ann", "secret-word"), 1))


def test_times() -> None:
    assert microseconds("2026-12-24T18:00") == microseconds("2026-12-24T19:00+01:00") == 1_798_135_200_000_000
    assert microseconds(as_time(1_798_135_200_123_456)) == 1_798_135_200_123_456
    assert (microseconds(""), as_time(0)) == (0, "")
    with pytest.raises(DirectoryRefused, match="no time"):
        microseconds("soon")


def sizes(*lines: AnyLine, octets: int = 100) -> list[int]:
    return [len(unit) for unit in units([PreparedLine(at, line, octets) for at, line in enumerate(lines)])]


def test_units_are_bounded_and_keep_the_order() -> None:
    users = [UserLine(f"u{number}") for number in range(250)]
    assert sizes(*users) == [UNIT_LINES, UNIT_LINES, 50]
    assert sizes(*users[:6], octets=UNIT_OCTETS // 2) == [2, 2, 2]
    assert sizes(users[0], octets=UNIT_OCTETS * 2) == [1]
    assert sizes() == []


def test_a_line_that_asks_about_aliases_before_it_begins_a_unit() -> None:
    alias = AliasLine("a@x.example", "ann@x.example")
    assert sizes(alias, AliasLine("b@x.example", "c@x.example A@X.example")) == [1, 1]
    assert sizes(alias, AliasLine("b@x.example", "c@x.example")) == [2]
    assert sizes(AliasLine("a*@x.example", "ann@x.example"), AliasLine("b@x.example", "c@x.example")) == [1, 1]
    assert sizes(DomainLine("x.example"), ValueLine("x.example", "catch_all", "ann@x.example")) == [1, 1]
