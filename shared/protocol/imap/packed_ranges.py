"""Ranges of UIDs as octets: each two little-endian numbers of 32 bits, so that a contract carries them at no cost."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from itertools import chain, islice

from shared.protocol.imap.ranges import Range, Ranges

_LARGEST = (1 << 32) - 1
_PIECE = 65_536
"""Ranges in a piece, which is half a megaoctet."""


def pack(spans: Ranges) -> bytes:
    """The octets of ranges. UIDs have at most 32 bits (RFC 9051 §2.3.1.1), so higher bounds are cut."""
    numbers = array("I", (min(number, _LARGEST) for number in chain.from_iterable(spans)))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def pack_pieces(spans: Ranges) -> Iterator[bytes]:
    """The octets of ranges in pieces of bounded size; nothing for no ranges."""
    left = iter(spans)
    while piece := tuple(islice(left, _PIECE)):
        yield pack(piece)


def unpack(octets: bytes) -> Ranges:
    """The ranges. Raises ValueError for octets that are none."""
    if len(octets) % 8:
        raise ValueError("ranges have 8 octets each")
    numbers = array("I")
    numbers.frombytes(octets)
    if sys.byteorder == "big":
        numbers.byteswap()
    pairs: Iterator[Range] = zip(numbers[::2], numbers[1::2], strict=True)
    return tuple(pairs)
