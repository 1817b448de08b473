"""Quoted-printable and base64 of any octets in any pieces, read back by the standard library."""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.outgoing.encoders import (
    Target,
    cleaned_pieces,
    encoded_pieces,
    with_last_line_end,
)


def cut(octets: bytes, size: int) -> Iterator[bytes]:
    return (octets[at : at + size] for at in range(0, len(octets), size))


def encoded(octets: bytes, target: Target, size: int = 1000, source: str = "8bit") -> bytes:
    result = b"".join(encoded_pieces(cut(octets, size), source, target))
    assert result.isascii()
    assert max(map(len, result.split(b"\r\n"))) <= 76
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", result) is None
    return result


def lines(octets: bytes) -> bytes:
    return re.sub(rb"\r\n|\r|\n", b"\n", octets)


TEXT = st.one_of(
    st.binary(max_size=500),
    st.lists(
        st.sampled_from([b"-", b"--", b"=", b".", b" ", b"\t", b"\r\n", b"\n", b"\r", b"a", b"\xe4" * 30, b"b" * 75])
    ).map(b"".join),
)


@given(TEXT, st.integers(1, 200))
def test_quoted_printable_is_the_same_text(octets: bytes, size: int) -> None:
    result = encoded(octets, "quoted-printable", size)
    assert lines(quopri.decodestring(result)) == lines(octets)
    assert not any(line.startswith(b"--") for line in result.split(b"\r\n"))
    assert not any(line.endswith((b" ", b"\t")) for line in result.split(b"\r\n"))


@given(st.binary(max_size=1000), st.integers(1, 300))
def test_base64_is_the_same_octets(octets: bytes, size: int) -> None:
    assert base64.b64decode(encoded(octets, "base64", size)) == octets


@pytest.mark.parametrize("octet", [b"x", b"-", b" ", b"\xfc", b"="])
@pytest.mark.parametrize("count", [65535, 65536, 65537, 400_001])
def test_a_line_without_end_is_broken_softly(octet: bytes, count: int) -> None:
    text = octet * count + b"\r\n"
    assert lines(quopri.decodestring(encoded(text, "quoted-printable", 50_000))) == lines(text)


@pytest.mark.parametrize(
    ("source", "octets"),
    [("base64", base64.b64encode(bytes(range(256)) * 40)), ("quoted-printable", b"=E4=\r\n" * 2000 + b"x" * 1200)],
)
def test_what_is_encoded_already_is_decoded_first(source: str, octets: bytes) -> None:
    plain = base64.b64decode(octets) if source == "base64" else quopri.decodestring(octets)
    assert base64.b64decode(encoded(octets, "base64", 999, source)) == plain


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_octets_between_parts_are_cleaned(size: int) -> None:
    text = b"a\nb\r\nc\rd\0\xfce\r"
    assert b"".join(cleaned_pieces(cut(text, size), seven_bit=True)) == b"a\r\nb\r\nc d??e "
    assert b"".join(cleaned_pieces(cut(text, size), seven_bit=False)) == b"a\r\nb\r\nc d?\xfce "


@pytest.mark.parametrize(
    ("text", "expected"), [(b"", b""), (b"a", b"a\r\n"), (b"a\r\n", b"a\r\n"), (b"a\r\n\r\n", b"a\r\n\r\n")]
)
def test_the_last_line_has_an_end(text: bytes, expected: bytes) -> None:
    assert b"".join(with_last_line_end(cut(text, 1))) == expected
