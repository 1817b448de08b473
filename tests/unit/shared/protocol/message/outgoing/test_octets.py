"""What a run of octets has, whatever its pieces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.outgoing.octets import OctetTraits, survey

LONG = b"x" * 998


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", OctetTraits()),
        (b"a\r\nb\r\n", OctetTraits()),
        (b"a\r\nb", OctetTraits(ends_line=False)),
        ("ä\r\n".encode(), OctetTraits(eight_bit=True)),
        (b"a\0\r\n", OctetTraits(nul=True)),
        (b"a\nb\r\n", OctetTraits(bare_newline=True)),
        (b"a\rb\r\n", OctetTraits(bare_newline=True)),
        (b"a\r\n\r", OctetTraits(bare_newline=True, ends_line=False)),
        (LONG + b"\r\n", OctetTraits()),
        (LONG + b"x\r\n", OctetTraits(long_line=True)),
        (b"a\r\n" + LONG + b"\r\n" + LONG, OctetTraits(ends_line=False)),
        (b"a\r\n" + LONG + b"x", OctetTraits(long_line=True, ends_line=False)),
        (b"x" * 3000 + b"\r\na\r\n", OctetTraits(long_line=True)),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 997, 998, 1000, 100_000])
def test_each_property_is_seen(octets: bytes, expected: OctetTraits, size: int) -> None:
    assert survey(octets[at : at + size] for at in range(0, len(octets), size)) == expected


LINES = st.lists(
    st.sampled_from([b"\r\n", b"\r\n", b"a", b"\r", b"\n", b"\xfc", b"\0", b"x" * 500, b"y" * 997, b"z" * 998, b""]),
    max_size=12,
).map(b"".join)


@given(LINES, st.integers(1, 1200))
def test_it_sees_what_a_plain_reading_sees(octets: bytes, size: int) -> None:
    result = survey(octets[at : at + size] for at in range(0, len(octets), size))
    bare = re.search(rb"\r(?!\n)|(?<!\r)\n", octets) is not None
    assert (result.eight_bit, result.nul, result.bare_newline) == (not octets.isascii(), b"\0" in octets, bare)
    assert result.ends_line == (not octets or octets.endswith(b"\r\n"))
    if not bare:
        assert result.long_line == any(len(line) > 998 for line in octets.split(b"\r\n"))
