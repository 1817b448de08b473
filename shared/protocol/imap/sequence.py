"""`sequence-set` as the client wrote it: numbers, ranges, `*`, and the saved result `$` (RFC 3501 §9, RFC 5182)."""

import re

import msgspec

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.number_set import MAX_NUMBER, NumberSet
from shared.protocol.imap.ranges import Range

STAR = 0
"""Represents `*`, the largest number in use; no message has number 0."""
_NUMBERS = re.compile(rb"[1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*")
"""Numbers alone, none of which can be above the limit: the form of most long sets, read without a look at each."""


class SequenceSet(msgspec.Struct, frozen=True):
    """Ranges in the client's order, with `*` as `STAR`.

    `saved` means that the set is `$`; the session holds its UIDs.
    """

    ranges: tuple[Range, ...] = ()
    saved: bool = False

    def resolve(self, largest: int) -> NumberSet:
        """The numbers in the set when `largest` is the largest in use; none in an empty mailbox (largest 0).

        A range stays a range, so `1:4294967295` costs as little as `1`; `UidRuns` drops unused numbers. `559:*` always
        includes the largest UID, even when 559 is higher (RFC 3501 §6.4.8).
        """
        if not largest:
            return NumberSet()
        if len(self.ranges) == 1:
            return NumberSet((_resolve_range(self.ranges[0], largest),))
        return NumberSet.of_ranges([_resolve_range(pair, largest) for pair in self.ranges])

    @property
    def highest(self) -> int:
        """The largest number in the set, not counting `*`. Above the message count it refers to a missing message."""
        return max(map(max, self.ranges), default=0)

    @property
    def has_star(self) -> bool:
        """Whether the set contains `*`."""
        return any(STAR in pair for pair in self.ranges)


SAVED_RESULT = SequenceSet(saved=True)


def _resolve_range(pair: Range, largest: int) -> Range:
    first, last = pair[0] or largest, pair[1] or largest
    return (first, last) if first <= last else (last, first)


# sequence-set = (seq-number / seq-range) ["," sequence-set]
# sequence-set =/ seq-last-command          ; "$", never combined with numbers
def parse_sequence_set(text: bytes) -> SequenceSet:
    """Read one sequence-set. Raises ImapSyntaxError."""
    if text == b"$":
        return SAVED_RESULT
    if _NUMBERS.fullmatch(text):
        numbers = [int(number) for number in text.split(b",")]
        return SequenceSet(tuple(zip(numbers, numbers, strict=True)))
    return SequenceSet(tuple([_seq_range(element) for element in text.split(b",")]))


# seq-range = seq-number ":" seq-number     ; in any order
def _seq_range(element: bytes) -> Range:
    first, colon, last = element.partition(b":")
    number = _seq_number(first)
    return number, (_seq_number(last) if colon else number)


# seq-number = nz-number / "*"
def _seq_number(text: bytes) -> int:
    if text == b"*":
        return STAR
    if not text.isdigit() or len(text) > 10 or text[:1] == b"0":
        raise ImapSyntaxError("Invalid sequence set")
    number = int(text)
    if number > MAX_NUMBER:
        raise ImapSyntaxError("Number in sequence set is above 4294967295")
    return number
