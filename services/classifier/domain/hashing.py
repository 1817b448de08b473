"""Converts text to feature indices by a stable hash: the same in every process and on every machine.

The hash is CRC-32 of the UTF-8 bytes (fast, and part of the standard library), spread by Fibonacci hashing (Knuth,
TAOCP 6.4): the top bits of the product with 2^32/φ. Any change here requires another `TOKENIZER_VERSION`.
"""

from collections.abc import Collection
from zlib import crc32

import numpy as np
import numpy.typing as npt

TOKEN_BITS = 18
TOKEN_SIZE = 1 << TOKEN_BITS
HEADER_BITS = 16
HEADER_SIZE = 1 << HEADER_BITS
TRIGRAM_BITS = 16
TRIGRAM_SIZE = 1 << TRIGRAM_BITS

Indices = npt.NDArray[np.uint32]

NO_INDICES: Indices = np.empty(0, np.uint32)

_GOLDEN = np.uint32(0x9E3779B1)
_PAIR_SALT = np.uint32(0x5BD1E995)
_PAIR_FACTOR = np.uint32(0x85EBCA6B)
_BYTE = np.uint32(8)


def token_codes(tokens: Collection[str]) -> Indices:
    """The 32-bit code of each token, in the order of the tokens. No token may hold a line feed."""
    return codes_of(encoded(tokens))


def encoded(tokens: Collection[str]) -> list[bytes]:
    """The tokens encoded for hashing. No token may hold a line feed."""
    return "\n".join(tokens).encode("utf-8", "replace").split(b"\n") if tokens else []


def codes_of(tokens: Collection[bytes]) -> Indices:
    """The 32-bit code of each encoded token."""
    return np.fromiter(map(crc32, tokens), np.uint32, len(tokens))


def pair_codes(codes: Indices) -> Indices:
    """The code of each pair of neighbours, from their codes; the order of the two matters."""
    return (codes[:-1] ^ _PAIR_SALT) * _PAIR_FACTOR ^ codes[1:]


def token_indices(codes: Indices) -> Indices:
    """The index of each token or pair."""
    return _indices(codes, TOKEN_BITS)


def header_indices(tokens: Indices) -> Indices:
    """The sorted distinct indices of the header's tokens in the smaller table, from their `token_indices`."""
    return distinct(tokens >> np.uint32(TOKEN_BITS - HEADER_BITS))


def trigram_indices(data: bytes) -> Indices:
    """The sorted distinct indices of all byte trigrams of `data`; none for fewer than three bytes."""
    codes = np.frombuffer(data, np.uint8).astype(np.uint32)
    trigrams = codes[:-2] << _BYTE
    trigrams |= codes[1:-1]
    trigrams <<= _BYTE
    trigrams |= codes[2:]
    return distinct(_indices(trigrams, TRIGRAM_BITS))


def distinct(indices: Indices) -> Indices:
    """The sorted indices without repeats."""
    ordered = np.sort(indices)
    if len(ordered) < 2:
        return ordered
    keep = np.empty(len(ordered), np.bool_)
    keep[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    # Select by positions: with a boolean mask of mixed values the processor mispredicts a branch each time.
    return ordered.take(keep.nonzero()[0])


def _indices(codes: Indices, bits: int) -> Indices:
    return (codes * _GOLDEN) >> np.uint32(32 - bits)
