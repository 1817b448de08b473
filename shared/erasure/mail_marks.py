"""Which mails an erasure concerns, in eight octets for each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from enum import IntEnum
from hashlib import blake2b


class Mark(IntEnum):
    """What an erasure has to do with a mail."""

    NONE = 0
    PART = 1
    """Other people have it too, so only the addresses of the account are erased."""
    WHOLE = 2
    """It was only the account's."""


class MailMarks:
    """The marks of all mails, by queue id."""

    def __init__(self, whole: Iterable[int] = (), part: Iterable[int] = ()) -> None:
        """The mails are given as hashes (`hash_of`)."""
        self._whole = array("Q", sorted(whole))
        self._part = array("Q", sorted(part))

    def of(self, *names: str) -> Mark:
        """The highest mark of a mail with one of these queue ids; an empty name has none."""
        hashes = [hash_of(name) for name in names if name]
        if any(_has(self._whole, number) for number in hashes):
            return Mark.WHOLE
        return Mark.PART if any(_has(self._part, number) for number in hashes) else Mark.NONE


def hash_of(queue_id: str) -> int:
    """The hash of a queue id."""
    return int.from_bytes(blake2b(queue_id.encode(), digest_size=8).digest(), "big")


def _has(known: array[int], number: int) -> bool:
    place = bisect_left(known, number)
    return place < len(known) and known[place] == number
