"""SORT and THREAD in their own form (RFC 5256 §4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from shared.protocol.imap.response import NUMBERS_A_PIECE


# sort-data = "SORT" *(SP nz-number) [SP search-sort-mod-seq]
def sort(numbers: Iterable[int], modseq: int = 0) -> Iterator[bytes]:
    """SORT, in pieces of one response. It ends with the highest MODSEQ when the client asked for it (RFC 7162)."""
    iterator, is_empty = iter(numbers), True
    yield b"* SORT"
    while piece := "".join([f" {number}" for number in islice(iterator, NUMBERS_A_PIECE)]):
        yield piece.encode()
        is_empty = False
    yield f" (MODSEQ {modseq})\r\n".encode() if modseq and not is_empty else b"\r\n"


# thread-data = "THREAD" [SP 1*thread-list]
def thread(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """THREAD, in pieces of one response."""
    yield b"* THREAD"
    space = b" "
    for piece in pieces:
        yield space + piece
        space = b""
    yield b"\r\n"
