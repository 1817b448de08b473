"""ESEARCH: the results of extended searches and sorts, and their updates (RFC 4731, RFC 5267, RFC 7377, RFC 9394)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from shared.protocol.imap.commands import PartialRange
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.response import NUMBERS_A_PIECE, set_pieces
from shared.protocol.imap.wire_string import wire_mailbox, wire_string

Numbers = NumberSet | Sequence[int]
"""Numbers in the order of the mailbox, or in another order."""
_SHORTEST_RANGE = 3


# esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)          ; RFC 4731
def esearch(
    tag: bytes,
    uid: bool,
    items: Iterable[Iterable[bytes]],
    source: tuple[str, int] | None = None,
    *,
    utf8: bool = False,
) -> Iterator[bytes]:
    """ESEARCH with items that the functions below make, in pieces of one response.

    The caller leaves out the items that an empty result must not have. `source` is a mailbox with its UIDVALIDITY
    (RFC 7377 §2.1).
    """
    place = b""
    if source is not None:
        place = b" MAILBOX %b UIDVALIDITY %d" % (wire_mailbox(source[0], utf8), source[1])
    yield b"* ESEARCH (TAG %b%b)%b" % (wire_string(tag), place, b" UID" if uid else b"")
    for item in items:
        yield from item
    yield b"\r\n"


def number_item(name: str, number: int) -> tuple[bytes, ...]:
    """An item such as `COUNT 3`."""
    return (f" {name} {number}".encode(),)


def set_item(name: str, numbers: Numbers) -> Iterator[bytes]:
    """An item such as `ALL 1:3,5`."""
    yield f" {name} ".encode()
    yield from _pieces(numbers)


# ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"     ; RFC 9394 §3.1
def partial_item(asked: PartialRange, numbers: Numbers) -> Iterator[bytes]:
    """PARTIAL with the range as the client wrote it."""
    yield f" PARTIAL ({asked.first}:{asked.last} ".encode()
    yield from _pieces(numbers) if numbers else (b"NIL",)
    yield b")"


# search-return-data =/ "RELEVANCY" SP score-list ; score-list = "(" [score *(SP score)] ")"    ; RFC 6203 §6
def relevancy_item(scores: bytes) -> Iterator[bytes]:
    """RELEVANCY with a score from 1 to 100 for each result, in the order of the results."""
    yield b" RELEVANCY ("
    for start in range(0, len(scores), NUMBERS_A_PIECE):
        piece = " ".join(map(str, scores[start : start + NUMBERS_A_PIECE]))
        yield f"{' ' if start else ''}{piece}".encode()
    yield b")"


# ret-data-addto = "ADDTO" SP "(" context-position SP sequence-set *(SP context-position SP sequence-set) ")"
def positions_item(name: str, pairs: Sequence[tuple[int, Numbers]]) -> Iterator[bytes]:
    """ADDTO or REMOVEFROM with pairs of a position and results; nothing without pairs (RFC 5267 §4.3)."""
    if not pairs:
        return
    yield f" {name} (".encode()
    separator = b""
    for start in range(0, len(pairs), NUMBERS_A_PIECE):
        words = [b"%d %b" % (position, _whole(numbers)) for position, numbers in pairs[start : start + NUMBERS_A_PIECE]]
        yield separator + b" ".join(words)
        separator = b" "
    yield b")"


def _whole(numbers: Numbers) -> bytes:
    if not isinstance(numbers, NumberSet) and len(numbers) == 1:
        return b"%d" % numbers[0]
    return b"".join(_pieces(numbers))


def _pieces(numbers: Numbers) -> Iterator[bytes]:
    return set_pieces(numbers) if isinstance(numbers, NumberSet) else _ordered_pieces(numbers)


def _ordered_pieces(numbers: Sequence[int]) -> Iterator[bytes]:
    """A sequence-set in the order of the numbers. A range stands only for ascending neighbours (RFC 5267 §3.2)."""
    elements, comma = _elements(numbers), ""
    while piece := ",".join(islice(elements, NUMBERS_A_PIECE)):
        yield f"{comma}{piece}".encode()
        comma = ","


def _elements(numbers: Sequence[int]) -> Iterator[str]:
    at, end = 0, len(numbers)
    while at < end:
        first, last = numbers[at], at
        while last + 1 < end and numbers[last + 1] == numbers[last] + 1:
            last += 1
        if last + 1 - at >= _SHORTEST_RANGE:
            yield f"{first}:{numbers[last]}"
            at = last + 1
        else:
            yield str(first)
            at += 1
