"""Address lists of header fields, valid and invalid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.address.header import (
    MAX_AUTHOR_CHARACTERS,
    MAX_AUTHORS,
    read_authors,
    read_header_addresses,
)
from tests.harness.work import assert_cost_grows_with_size, assert_lines_grow_with_size


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("ann@example.org", ["ann@example.org"]),
        (" Ann Lee <ann@example.org> ", ["ann@example.org"]),
        ('"Lee, Ann" <ann@example.org>', ["ann@example.org"]),
        ('"ceo@corp.example" <ann@example.org>', ["ann@example.org"]),
        ("ceo@corp.example <ann@example.org>", ["ann@example.org"]),
        ("=?utf-8?q?Ann?= <ann@example.org>", ["ann@example.org"]),
        ("<ann@example.org>", ["ann@example.org"]),
        ("ann@example.org (Ann Lee)", ["ann@example.org"]),
        ("Ann (a (nested \\) comment)) <ann@example.org>", ["ann@example.org"]),
        ("a@example.org, B <b@example.org>,c@example.org", ["a@example.org", "b@example.org", "c@example.org"]),
        (
            "Friends: a@example.org, B <b@example.org>; , c@example.org",
            ["a@example.org", "b@example.org", "c@example.org"],
        ),
        ("undisclosed-recipients:;", []),
        ("<@relay.example,@other.example:ann@example.org>", ["ann@example.org"]),
        ("ann . lee @ example . org", ["ann.lee@example.org"]),
        ('"ann lee"@example.org', ['"ann lee"@example.org']),
        ('"a".b@example.org', ["a.b@example.org"]),
        ("a..b.@example.org", ['"a..b."@example.org']),
        ("Ann\r\n <ann@example.org>", ["ann@example.org"]),
        ("ann@[192.0.2.1]", ["ann@[192.0.2.1]"]),
        ("ann@[ 192.0.2.1 ]", ["ann@[192.0.2.1]"]),
        ("Аня <аня@пример.example>", ["аня@xn--e1afmkfd.example"]),
        ("a@example.org, , ,b@example.org,", ["a@example.org", "b@example.org"]),
        ("<a@example.org>, <b@example.org", ["a@example.org", "b@example.org"]),
        ("<a@example.org, b@example.org>", ["a@example.org", "b@example.org"]),
        ("<a@example.org> <b@example.org>", ["a@example.org", "b@example.org"]),
        ("<a@example.org> b@example.org", ["a@example.org", "b@example.org"]),
        ("<a@example.org> trailing words", ["a@example.org"]),
        ("", []),
        ("   ", []),
    ],
)
def test_reads(value: str, addresses: list[str]) -> None:
    content = read_header_addresses(value)
    assert [str(address) for address in content.addresses] == addresses
    assert content.unreadable == ()


@pytest.mark.parametrize(
    ("value", "addresses", "unreadable"),
    [
        ("ann@example.org, evil@@corp.example", ["ann@example.org"], ("evil@@corp.example",)),
        ("ann@example.org, bob", ["ann@example.org"], ("bob",)),
        ("Ann <>", [], ("",)),
        ("Ann Lee ann@example.org", [], ("AnnLeeann@example.org",)),
        ('"unclosed <ann@example.org>', [], ('"unclosed <ann@example.org>',)),
        ("(unclosed <ann@example.org>", [], ("(",)),
        ("ann@example.org\x00", [], ("ann@example.org\x00",)),
        ("ann@192.0.2.1", [], ("ann@192.0.2.1",)),
    ],
)
def test_names_what_it_cannot_read(value: str, addresses: list[str], unreadable: tuple[str, ...]) -> None:
    content = read_header_addresses(value)
    assert [str(address) for address in content.addresses] == addresses
    assert content.unreadable == unreadable


@given(st.text(alphabet=st.sampled_from(list('ab@.,:;<>()[]"\\ \r\n\té\x00')), max_size=60))
def test_never_raises(value: str) -> None:
    for address in read_header_addresses(value).addresses:
        assert str(address)


@pytest.mark.parametrize(
    "piece", ['"\\"', "[\\[", "(", "<", "@", "a.", '"\\', "(\\", ",@a", "a@b,", "\x00", "<a@b", "a:", '"a" ']
)
def test_work_is_linear(piece: str) -> None:
    """A hundred thousand of each character: quadratic work would take hours."""
    read_header_addresses(piece * 100_000)
    assert_lines_grow_with_size(lambda count: read_header_addresses(piece * count), 500)
    assert_cost_grows_with_size(lambda count: read_header_addresses(piece * count), 20_000)


def test_ten_thousand_addresses() -> None:
    value = ",\r\n ".join(f'"User, {number}" <user{number}@example.org>' for number in range(10_000))
    assert len(read_header_addresses(value).addresses) == 10_000


def test_of_authors_only_so_many_are_read() -> None:
    """43,000 authors in a From field of 256 KiB took three seconds, for a mail from a stranger."""
    entry = "a@example.org"
    assert read_authors(",".join([entry] * MAX_AUTHORS)) == read_header_addresses(",".join([entry] * MAX_AUTHORS))
    more = read_authors(",".join([entry] * (MAX_AUTHORS + 1)))
    assert len(more.addresses) == MAX_AUTHORS and more.unreadable
    long = read_authors('"' + "x" * MAX_AUTHOR_CHARACTERS + f'" <{entry}>')
    assert long.addresses == () and long.unreadable
