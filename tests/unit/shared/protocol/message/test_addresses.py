"""Address lists in the form of ENVELOPE (RFC 3501 §7.4.2, RFC 5322 §3.4 and appendix A)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.addresses import GROUP_END, MAX_ADDRESSES, EnvelopeAddress, display_pairs, parse_addresses


def mailbox(name: bytes | None, local: bytes, host: bytes) -> EnvelopeAddress:
    return EnvelopeAddress(name, None, local, host)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"john.doe@machine.example", [mailbox(None, b"john.doe", b"machine.example")]),
        (b"John Doe <jdoe@machine.example>", [mailbox(b"John Doe", b"jdoe", b"machine.example")]),
        (b'"Joe Q. Public" <john.q.public@example.com>', [mailbox(b"Joe Q. Public", b"john.q.public", b"example.com")]),
        (
            b'Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>, <boss@nil.test>, "Giant; \\"Big\\" Box" '
            b"<sysservices@example.net>",
            [
                mailbox(b"Mary Smith", b"mary", b"x.test"),
                mailbox(None, b"jdoe", b"example.org"),
                mailbox(b"Who?", b"one", b"y.test"),
                mailbox(None, b"boss", b"nil.test"),
                mailbox(b'Giant; "Big" Box', b"sysservices", b"example.net"),
            ],
        ),
        (
            b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [mailbox(b"Pete", b"pete", b"silly.test")],
        ),
        (
            b"A Group(Some people):Chris Jones <c@(Chris's host.)public.example>,joe@example.org, John "
            b"<jdoe@one.test> (my dear friend); (end)",
            [
                EnvelopeAddress(None, None, b"A Group", None),
                mailbox(b"Chris Jones", b"c", b"public.example"),
                mailbox(None, b"joe", b"example.org"),
                mailbox(b"John", b"jdoe", b"one.test"),
                GROUP_END,
            ],
        ),
        (
            b"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
            [EnvelopeAddress(None, None, b"Hidden recipients", None), GROUP_END],
        ),
        (b"undisclosed-recipients:;", [EnvelopeAddress(None, None, b"undisclosed-recipients", None), GROUP_END]),
        (
            b"a: x@y; b@c",
            [EnvelopeAddress(None, None, b"a", None), mailbox(None, b"x", b"y"), GROUP_END, mailbox(None, b"b", b"c")],
        ),
        (b"open: x@y", [EnvelopeAddress(None, None, b"open", None), mailbox(None, b"x", b"y"), GROUP_END]),
        (
            b"<@node.test,@b.test:mary@example.net>, , jdoe@test . example",
            [
                EnvelopeAddress(None, b"@node.test,@b.test", b"mary", b"example.net"),
                mailbox(None, b"jdoe", b"test.example"),
            ],
        ),
        (
            b"Mary Smith <@node.test : mary @ example.net>",
            [EnvelopeAddress(b"Mary Smith", b"@node.test", b"mary", b"example.net")],
        ),
        (b"john . doe @ x . org", [mailbox(None, b"john.doe", b"x.org")]),
        (b'"john doe"@x.org', [mailbox(None, b"john doe", b"x.org")]),
        (b"user@[192.0.2.1]", [mailbox(None, b"user", b"[192.0.2.1]")]),
        (b"user@example.org (Real Name)", [mailbox(b"Real Name", b"user", b"example.org")]),
        (b"=?utf-8?q?J=C3=BC?= <j@x>", [mailbox(b"=?utf-8?q?J=C3=BC?=", b"j", b"x")]),
        (b"just a name", [mailbox(None, b"just a name", b"")]),
        (b"Name <>", [mailbox(b"Name", b"", b"")]),
        (b'"" <>', []),
        (b",,, ,", []),
        (b"", []),
        (b"   ", []),
        (b'"unclosed <a@b>', [mailbox(None, b"unclosed <a@b>", b"")]),
        (b"<a@b", [mailbox(None, b"a", b"b")]),
        (b"(((", []),
    ],
)
def test_address_lists(value: bytes, expected: list[EnvelopeAddress]) -> None:
    assert parse_addresses(value) == expected


def test_the_quick_and_the_slow_reader_agree() -> None:
    quick = b'Ann <ann@x.org>, "Bob, B." <bob@y.org>, c@z'
    assert parse_addresses(quick) == parse_addresses(b"," + quick)


@given(
    st.lists(
        st.sampled_from(
            [
                b"a",
                b" ",
                b"@",
                b"<",
                b">",
                b'"',
                b"\\",
                b"(",
                b")",
                b",",
                b";",
                b":",
                b"[",
                b"]",
                b".",
                b"\xff",
                b"\x00",
            ]
        )
    )
)
def test_never_raises(pieces: list[bytes]) -> None:
    display_pairs(parse_addresses(b"".join(pieces)))


def test_at_most_so_many() -> None:
    assert len(parse_addresses(b"a@b," * (MAX_ADDRESSES + 5))) == MAX_ADDRESSES


def test_display_pairs_are_decoded_and_spelled() -> None:
    addresses = parse_addresses(b'=?utf-8?q?J=C3=BCrgen?= <j@x>, g: "a b"@y;, plain')
    assert display_pairs(addresses) == (("Jürgen", "j@x"), ("", '"a b"@y'), ("", "plain"))
