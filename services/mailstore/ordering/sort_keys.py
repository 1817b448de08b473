"""Sort keys: octets that compare as the criteria of a SORT say (RFC 5256 §3, RFC 5957 §3)."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence

from services.mailstore.listing.summaries import MessageSummary
from services.mailstore.search.compile import BadKey
from services.mailstore.search.relevancy import FuzzyScores
from shared.protocol.imap.base_subject import base_subject
from shared.protocol.imap.collation import casemap
from shared.protocol.message.scan import DisplayAddress
from shared.rpc.mailfold.mailstore.v1.ordering_pb2 import SortCriterion

MOST_CHARACTERS = 256
"""Characters of a text that are compared; texts that are equal up to there count as equal."""
UID_OCTETS = 4
_SIGN = 1 << 63
_ALL_ONES = (1 << 64) - 1
_INVERTED = bytes(255 - octet for octet in range(256))
_END, _INVERTED_END = b"\0", b"\xff"

SortKey = Callable[[MessageSummary], bytes]
_Text = Callable[[MessageSummary], str]
_Number = Callable[[MessageSummary], int]
_NUMBERS: Mapping[SortCriterion.Field.ValueType, _Number] = {
    SortCriterion.ARRIVAL: lambda summary: summary.internal_date,
    SortCriterion.DATE: lambda summary: sent_date(summary),
    SortCriterion.SIZE: lambda summary: summary.size,
}
_TEXTS: Mapping[SortCriterion.Field.ValueType, _Text] = {
    SortCriterion.CC: lambda summary: _localpart(summary.cc),
    SortCriterion.DISPLAYFROM: lambda summary: _display(summary.from_),
    SortCriterion.DISPLAYTO: lambda summary: _display(summary.to),
    SortCriterion.FROM: lambda summary: _localpart(summary.from_),
    SortCriterion.SUBJECT: lambda summary: base_subject(summary.subject).text,
    SortCriterion.TO: lambda summary: _localpart(summary.to),
}
ROW_FIELDS = frozenset({SortCriterion.ARRIVAL, SortCriterion.SIZE, SortCriterion.RELEVANCY})
"""Fields for which no header is needed."""


def sent_date(summary: MessageSummary) -> int:
    """The time in the Date field, else the internal date (RFC 5256 §2.2)."""
    return summary.internal_date if summary.date is None else summary.date


def sort_key(criteria: Sequence[SortCriterion], scores: FuzzyScores | None = None) -> SortKey:
    """The function that makes a message's key, which ends with its UID. Raises BadKey."""
    parts = [_scored(criterion, scores) or _part(criterion) for criterion in criteria]

    def key(summary: MessageSummary) -> bytes:
        return b"".join([part(summary) for part in parts]) + summary.uid.to_bytes(UID_OCTETS, "big")

    return key


def uids_of(keys: Iterable[bytes]) -> array[int]:
    """The UIDs at the ends of keys."""
    uids = array("I", b"".join([key[-UID_OCTETS:] for key in keys]))
    if sys.byteorder == "little":
        uids.byteswap()
    return uids


def _scored(criterion: SortCriterion, scores: FuzzyScores | None) -> SortKey | None:
    """The part of a key for RELEVANCY: the highest score comes first (RFC 6203 §6)."""
    if criterion.field != SortCriterion.RELEVANCY or scores is None:
        return None
    if criterion.reverse:
        return lambda summary: bytes((scores.of(summary.uid),))
    return lambda summary: bytes((255 - scores.of(summary.uid),))


def _part(criterion: SortCriterion) -> SortKey:
    number, text = _NUMBERS.get(criterion.field), _TEXTS.get(criterion.field)
    if number is not None:
        return _descending_number(number) if criterion.reverse else _ascending_number(number)
    if text is not None:
        return _descending_text(text) if criterion.reverse else _ascending_text(text)
    raise BadKey("the sort criterion is of another release")


def _ascending_number(number: _Number) -> SortKey:
    return lambda summary: (number(summary) + _SIGN).to_bytes(8, "big")


def _descending_number(number: _Number) -> SortKey:
    return lambda summary: (_ALL_ONES - number(summary) - _SIGN).to_bytes(8, "big")


def _ascending_text(text: _Text) -> SortKey:
    return lambda summary: _octets(text(summary)) + _END


def _descending_text(text: _Text) -> SortKey:
    # The octet behind an inverted text is larger than any in it, so that a beginning of a text comes after it.
    return lambda summary: _octets(text(summary)).translate(_INVERTED) + _INVERTED_END


def _octets(text: str) -> bytes:
    """A text as octets that compare as the collation says, without NUL."""
    return casemap(text[:MOST_CHARACTERS]).encode("utf-8", "replace").replace(b"\0", b"\1")


def _localpart(addresses: Sequence[DisplayAddress]) -> str:
    """The addr-mailbox of the first address; empty without one."""
    if not addresses:
        return ""
    local, at, domain = addresses[0][1].rpartition("@")
    return local if at else domain


def _display(addresses: Sequence[DisplayAddress]) -> str:
    """The display name of the first address, else the address; empty without one (RFC 5957 §3)."""
    return (addresses[0][0] or addresses[0][1]) if addresses else ""
