"""Addresses of the envelope: RFC 5321 Mailbox with the UTF-8 of RFC 6531."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.address.address import LOCALPART_LIMIT, Address, make_address, parse_address
from shared.protocol.address.domain import AddressError


@pytest.mark.parametrize(
    ("text", "localpart", "domain", "shown"),
    [
        ("ann@example.org", "ann", "example.org", "ann@example.org"),
        ("Ann.Lee+tag@EXAMPLE.Org", "Ann.Lee+tag", "example.org", "Ann.Lee+tag@example.org"),
        ('"ann"@example.org', "ann", "example.org", "ann@example.org"),
        ('"ann lee"@example.org', "ann lee", "example.org", '"ann lee"@example.org'),
        (r'"a\"b\\c"@example.org', 'a"b\\c', "example.org", r'"a\"b\\c"@example.org'),
        ('"a@b"@example.org', "a@b", "example.org", '"a@b"@example.org'),
        ('"a..b"@example.org', "a..b", "example.org", '"a..b"@example.org'),
        ("ann@[192.0.2.1]", "ann", "[192.0.2.1]", "ann@[192.0.2.1]"),
        ("ann@[ipv6:2001:DB8::1]", "ann", "[IPv6:2001:db8::1]", "ann@[IPv6:2001:db8::1]"),
        ("аня@example.org", "аня", "example.org", "аня@example.org"),
        ("ann@Bücher.example", "ann", "xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@bücher。example", "ann", "xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@straße.example", "ann", "xn--strae-oqa.example", "ann@xn--strae-oqa.example"),
        ("ann@my_host.example.org", "ann", "my_host.example.org", "ann@my_host.example.org"),
        ("ann@localhost", "ann", "localhost", "ann@localhost"),
    ],
)
def test_accepts(text: str, localpart: str, domain: str, shown: str) -> None:
    address = parse_address(text)
    assert (address.localpart, address.domain, str(address)) == (localpart, domain, shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "ann",
        "ann@",
        "@example.org",
        ".ann@example.org",
        "ann.@example.org",
        "a..b@example.org",
        "ann lee@example.org",
        "ann@example.org ",
        " ann@example.org",
        "ann@example.org\r\n",
        "ann@example.org\n",
        "ann\r\nRCPT TO:<x@y>@example.org",
        '"ann\r\n"@example.org',
        '"ann\x00"@example.org',
        "ann\x7f@example.org",
        "ann\x85@example.org",
        "ann\u2028@example.org",
        "ann\ud800@example.org",
        '"ann@example.org',
        '"ann\\"@example.org',
        "ann@exa mple.org",
        "ann@-example.org",
        "ann@example-.org",
        "ann@example..org",
        "ann@.example.org",
        "ann@example.org.",
        "ann@192.0.2.1",
        "ann@example.123",
        "ann@[192.0.2.1",
        "ann@[192.0.2.256]",
        "ann@[010.0.2.1]",
        "ann@[2001:db8::1]",
        "ann@[IPv6:2001:db8::1%eth0]",
        "ann@[IPv6:]",
        "ann@[tag:content]",
        "ann@" + "a" * 64 + ".org",
        "ann@" + ".".join(["abcdefg"] * 32),
        "ann@b\u00fccher\ud800.example",
        "ann@" + "ü" * 300,
        "ann@ex\uff20ample.org",
        "a" * 400 + "@example.org",
        "ü" * 200 + "@example.org",
        "a" * 100_000,
        "ann@" + "a" * 100_000,
        "(comment)ann@example.org",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(AddressError) as refused:
        parse_address(text)
    assert refused.value.reason


def test_localpart_limit_is_in_octets() -> None:
    assert parse_address("a" * LOCALPART_LIMIT + "@example.org").localpart == "a" * LOCALPART_LIMIT
    with pytest.raises(AddressError):
        parse_address("a" * (LOCALPART_LIMIT + 1) + "@example.org")


def test_unicode_form() -> None:
    assert parse_address("ann@xn--bcher-kva.example").unicode == "ann@bücher.example"
    assert parse_address("ann@xn--a.example").unicode == "ann@xn--a.example"  # no valid A-label: left as it is
    assert parse_address("ann@[192.0.2.1]").unicode == "ann@[192.0.2.1]"


def test_equal_whatever_the_form() -> None:
    assert parse_address('"ann"@Bücher.example') == parse_address("ann@XN--BCHER-KVA.example")
    assert len({parse_address("ann@example.org"), parse_address("ann@EXAMPLE.ORG")}) == 1


def test_is_ascii_is_about_the_localpart() -> None:
    assert parse_address("ann@bücher.example").is_ascii
    assert not parse_address("анна@example.org").is_ascii


def test_make_address_quotes_nothing_and_checks_all() -> None:
    assert make_address("a b", "Example.ORG") == Address("a b", "example.org")
    for localpart, domain in (("", "example.org"), ("a\r\nb", "example.org"), ("ann", ""), ("ann", "a b")):
        with pytest.raises(AddressError):
            make_address(localpart, domain)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert parse_address(str(address)) == address


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_what_is_made_can_be_read_back(localpart: str, domain: str) -> None:
    try:
        address = make_address(localpart, domain)
    except AddressError:
        return
    assert address.localpart == localpart
    assert parse_address(str(address)) == address
    assert not any(character in str(address) for character in "\r\n\0")
