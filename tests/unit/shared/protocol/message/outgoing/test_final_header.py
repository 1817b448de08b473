"""The final form of a header: what is removed, folded and replaced, and what is left as it is."""

from __future__ import annotations

import email
import email.policy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dkim.canonical import canonical_field
from shared.protocol.message.headers import field_lines
from shared.protocol.message.outgoing.header import final_header, repaired_header

PLAIN = b"From: ann@example.org\r\nTo: bob@example.net,\r\n\tcarl@example.net\r\nSubject: x\r\n\r\n"


def second_demand(block: bytes) -> list[bytes]:
    """The fields in the form that a relaxed signature covers."""
    return [canonical_field(line.removesuffix(b"\r\n"), "relaxed") for _, line in field_lines(block)]


def lines_of(block: bytes) -> list[bytes]:
    return block.split(b"\r\n")


def test_a_header_that_needs_nothing_is_the_same_object() -> None:
    final = final_header(PLAIN)
    assert final.octets is PLAIN
    assert (final.eight_bit, final.overlong) == (False, ())
    assert repaired_header(b"").octets == b""


@pytest.mark.parametrize("name", [b"Bcc", b"BCC", b"bcc ", b"Resent-Bcc", b"Return-Path"])
@pytest.mark.parametrize("value", [b" eve@example.org", b"\r\n eve@example.org,\r\n\tmallory@example.org", b""])
def test_blind_recipients_are_removed(name: bytes, value: bytes) -> None:
    hidden = name + b":" + value + b"\r\n"
    assert final_header(hidden + PLAIN).octets == PLAIN
    assert final_header(PLAIN[:-2] + hidden + b"\r\n").octets == PLAIN


def test_fields_with_a_similar_name_stay() -> None:
    block = b"Bcc-Count: 3\r\nX-Bcc: y\r\n\r\n"
    assert final_header(block).octets == block


@pytest.mark.parametrize("block", [PLAIN[:-2], PLAIN[:-4], PLAIN.replace(b"\r\n", b"\n"), b"From ann Mon\r\n" + PLAIN])
def test_it_ends_with_a_blank_line_and_has_crlf_and_only_fields(block: bytes) -> None:
    assert final_header(block).octets == PLAIN


def test_a_carriage_return_never_begins_a_field() -> None:
    final = final_header(b"Subject: a\rBcc: eve@example.org\r\r\nX: b\0c\r\n\r\n").octets
    assert final == b"Subject: a Bcc: eve@example.org \r\nX: b c\r\n\r\n"


def test_octets_over_127_are_reported() -> None:
    block = "Subject: Grüße\r\n\r\n".encode()
    assert (final_header(block).octets, final_header(block).eight_bit) == (block, True)


def test_a_long_field_is_folded_at_blanks() -> None:
    ids = b" ".join(b"<%d@example.org>" % number for number in range(300))
    block = b"References: " + ids + b"\r\nSubject: x\r\n\r\n"
    final = final_header(block)
    assert final.overlong == ()
    assert max(map(len, lines_of(final.octets))) <= 998
    assert second_demand(final.octets) == second_demand(block)
    assert email.message_from_bytes(final.octets, policy=email.policy.SMTP)["Subject"] == "x"
    assert lines_of(final.octets)[-3] == b"Subject: x"


@pytest.mark.parametrize(
    ("name", "separator"), [(b"To", b","), (b"Cc", b","), (b"References", b">"), (b"In-Reply-To", b">")]
)
def test_structured_fields_without_blanks_get_some(name: bytes, separator: bytes) -> None:
    values = [b"a%d@example.org%s" % (number, separator) for number in range(200)]
    block = name + b":" + b"".join(values) + b"\r\n\r\n"
    final = final_header(block)
    assert (final.overlong, max(map(len, lines_of(final.octets))) <= 998) == ((), True)
    assert re.sub(rb"\s", b"", final.octets) == re.sub(rb"\s", b"", block)
    assert all(line.endswith(separator) for line in lines_of(final.octets)[:-2])
    assert final_header(block, may_add_blanks=False).overlong == (name.decode(),)


@pytest.mark.parametrize("value", [b"x" * 2000, b"x" * 500 + b" " + b"y" * 1500 + b" z"])
def test_what_cannot_be_folded_is_named(value: bytes) -> None:
    final = final_header(b"X-Data: " + value + b"\r\n\r\n")
    assert final.overlong == ("X-Data",)
    assert b"".join(final.octets.split(b"\r\n")) == b"X-Data: " + value


def test_no_line_is_left_with_blanks_alone() -> None:
    final = final_header(b"X-Data: a" + b" \t" * 3000 + b"b" + b" " * 3000 + b"\r\n\r\n")
    assert final.octets == b"X-Data: a b\r\n\r\n"


WORD = st.sampled_from([b"word", b" ", b"\t", b"  \t", b"\r\n ", b"\r\n\t", b"x" * 400, b"y" * 990, b"\xc3\xbc", b","])
FIELD = st.tuples(st.sampled_from([b"Subject", b"To", b"X-Y", b"References"]), st.lists(WORD, max_size=20))


@given(st.lists(FIELD, max_size=4), st.booleans())
def test_relaxed_signatures_survive_folding(given_fields: list[tuple[bytes, list[bytes]]], cut: bool) -> None:
    block = b"".join(name + b":" + b"".join(words) + b"\r\n" for name, words in given_fields)
    final = final_header(block if cut else block + b"\r\n", may_add_blanks=False)
    assert second_demand(final.octets) == second_demand(block)
    assert final.octets.endswith(b"\r\n\r\n") or final.octets == b"\r\n"
    if not final.overlong:
        assert max(map(len, lines_of(final.octets))) <= 998
    assert final_header(final.octets, may_add_blanks=False).octets == final.octets


@given(st.binary(max_size=300))
def test_any_octets_give_fields_of_whole_lines(octets: bytes) -> None:
    final = final_header(octets).octets
    assert b"\n" not in final.replace(b"\r\n", b"")
    assert b"\r" not in final.replace(b"\r\n", b"")
    names = [name for name, _ in field_lines(octets)]
    assert [name for name, _ in field_lines(final)] == names
