"""Content transfer encodings (RFC 2045 §6), whole and in pieces."""

from __future__ import annotations

import base64
import quopri
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.protocol.message.transfer import decode_pieces, decode_transfer, is_known, pieces

_ENCODINGS = st.sampled_from(["base64", "quoted-printable", "8bit", "x-unknown"])


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(result, len(data)) for result in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(places)]


@given(st.binary(max_size=500))
def test_base64_round_trip(data: bytes) -> None:
    assert decode_transfer(base64.encodebytes(data), "base64") == data


@given(st.binary(max_size=500).map(lambda data: data.replace(b"\r", b"")))
def test_quoted_printable_round_trip(data: bytes) -> None:
    assert decode_transfer(quopri.encodestring(data, quotetabs=True), "quoted-printable") == data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"aGVsbG8=", b"hello"),
        (b"aGVsbG8", b"hello"),
        (b"aG Vs\r\nbG*8=", b"hello"),
        (b"aGVsbG8=\r\n_______\r\nlist footer", b"hello"),
        (b"aGVsbG8h\r\na", b"hello!"),
        (b"=aGVs=bG8h", b"hello!"),
        (b"=====", b""),
        (b"", b""),
        (b"\xff\x00", b""),
    ],
)
def test_base64_is_tolerant(text: bytes, expected: bytes) -> None:
    assert decode_transfer(text, "base64") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"caf=C3=A9", b"caf\xc3\xa9"),
        (b"caf=c3=a9", b"caf\xc3\xa9"),
        (b"soft=\r\nbreak", b"softbreak"),
        (b"soft=  \r\nbreak", b"softbreak"),
        (b"soft=\nbreak", b"softbreak"),
        (b"trailing=3D  \r\nspace", b"trailing=\r\nspace"),
        (b"trailing \t\r\nspace without an escape ", b"trailing\r\nspace without an escape"),
        (b"bad =ZZ escape", b"bad =ZZ escape"),
        (b"end=", b"end"),
    ],
)
def test_quoted_printable_is_tolerant(text: bytes, expected: bytes) -> None:
    assert decode_transfer(text, "quoted-printable") == expected


_TEXT = st.lists(
    st.sampled_from([b"aGVs", b"bG8=", b"=", b"=3D", b"=\r\n", b"\r\n", b"\n", b" ", b"x", b"=C", b"\xff", b"\t"]),
    max_size=40,
).map(b"".join)


@example(b"\t\r\n=\r\n", [3], "quoted-printable")
@given(_TEXT, st.lists(st.integers(0, 100), max_size=6), _ENCODINGS)
def test_cuts_do_not_matter(text: bytes, cuts: list[int], encoding: str) -> None:
    assert b"".join(decode_pieces(cut(text, cuts), encoding)) == decode_transfer(text, encoding)


def test_white_space_in_a_long_line_is_kept_and_at_its_end_is_not() -> None:
    line = b"word " * 20_000
    decoded = b"".join(decode_pieces(pieces(line + b"\r\n", 65540), "quoted-printable"))
    assert decoded == line.rstrip() + b"\r\n" == decode_transfer(line + b"\r\n", "quoted-printable")


def test_one_endless_line_is_decoded_in_bounded_pieces() -> None:
    text = b"=41" * 300_000
    decoded = list(decode_pieces(pieces(text, 10_000), "quoted-printable"))
    assert b"".join(decoded) == b"A" * 300_000
    assert max(map(len, decoded)) <= 65_536


def test_known_encodings() -> None:
    assert all(map(is_known, ["7bit", "8bit", "binary", "base64", "quoted-printable"]))
    assert not is_known("x-uuencode")
