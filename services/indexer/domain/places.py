"""Where the documents of an account are: UIDs of a mailbox in ascending order, and the number of the document at each.

Messages of a mailbox are mostly indexed in the order of their UIDs, so both numbers grow together. A run is a first
UID, a count and a first document; a mailbox of 100,000 messages is a single run of 12 octets at best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.protocol.imap.ranges import Ranges

Numbers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

NONE: Numbers = np.empty(0, dtype=np.int64)
_STORED = np.dtype("<u4")


class MailboxPlaces(NamedTuple):
    """The places of a mailbox; the UIDs ascend, and both arrays have the same length."""

    uids: Numbers
    documents: Numbers

    def where(self, chosen: Marks) -> MailboxPlaces:
        """The places that are marked."""
        return MailboxPlaces(self.uids[chosen], self.documents[chosen])

    def between(self, first: int, last: int) -> MailboxPlaces:
        """The places with UIDs from the first to the last."""
        start, end = np.searchsorted(self.uids, [first, last + 1])
        return MailboxPlaces(self.uids[start:end], self.documents[start:end])


NOWHERE = MailboxPlaces(NONE, NONE)


def packed_runs(places: MailboxPlaces, size: int) -> list[tuple[int, bytes]]:
    """The places as runs, at most `size` runs in a piece; each piece with its first UID."""
    uids, documents = places
    if not len(uids):
        return []
    breaks = np.flatnonzero((np.diff(uids) != 1) | (np.diff(documents) != 1)) + 1
    starts = np.concatenate(([0], breaks))
    counts = np.diff(np.concatenate((starts, [len(uids)])))
    runs = np.column_stack((uids[starts], counts, documents[starts])).astype(_STORED)
    return [(int(runs[start, 0]), runs[start : start + size].tobytes()) for start in range(0, len(runs), size)]


def unpacked(pieces: Sequence[bytes]) -> MailboxPlaces:
    """The places of pieces of runs that follow each other."""
    runs = np.frombuffer(b"".join(pieces), dtype=_STORED).reshape(-1, 3).astype(np.int64)
    if not len(runs):
        return NOWHERE
    counts = runs[:, 1]
    total = int(counts.sum())
    within = np.arange(total, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
    return MailboxPlaces(np.repeat(runs[:, 0], counts) + within, np.repeat(runs[:, 2], counts) + within)


def merged(places: MailboxPlaces, more: MailboxPlaces) -> MailboxPlaces:
    """The places of both, which share no UID."""
    uids = np.concatenate((places.uids, more.uids))
    order = np.argsort(uids, kind="stable")
    return MailboxPlaces(uids[order], np.concatenate((places.documents, more.documents))[order])


def ranges_of(uids: Numbers) -> Ranges:
    """Ascending UIDs as ranges."""
    if not len(uids):
        return ()
    breaks = np.flatnonzero(np.diff(uids) != 1)
    firsts = uids[np.concatenate(([0], breaks + 1))]
    lasts = uids[np.concatenate((breaks, [len(uids) - 1]))]
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))


def members(uids: Numbers, ranges: Ranges) -> Marks:
    """Which of the UIDs are in the ranges."""
    if not ranges:
        return np.zeros(len(uids), dtype=np.bool_)
    bounds = np.array(ranges, dtype=np.int64)
    index = np.searchsorted(bounds[:, 0], uids, side="right") - 1
    inside: Marks = (index >= 0) & (uids <= bounds[np.maximum(index, 0), 1])
    return inside


def gaps_between(first: int, last: int, missing: Numbers) -> Ranges:
    """The range from first to last without the missing UIDs, which ascend."""
    within = missing[(missing >= first) & (missing <= last)]
    starts = [first, *(within + 1).tolist()]
    ends = [*(within - 1).tolist(), last]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start <= end)


def as_numbers(values: Sequence[int]) -> Numbers:
    return np.array(values, dtype=np.int64)


def ascending(numbers: Numbers) -> Numbers:
    """The numbers in ascending order, without repetition. They are numbers of documents, so they lie close."""
    if len(numbers) < 2 or bool((numbers[1:] > numbers[:-1]).all()):
        return numbers
    low = int(numbers.min())
    marks = np.zeros(int(numbers.max()) - low + 1, dtype=np.bool_)
    marks[numbers - low] = True
    return np.flatnonzero(marks) + low


def among(numbers: Numbers, others: Numbers) -> Marks:
    """Which of the numbers are among the others. Both are numbers of documents of an account, so they lie close."""
    if not len(numbers) or not len(others):
        return np.zeros(len(numbers), dtype=np.bool_)
    low = int(others.min())
    marks = np.zeros(int(others.max()) - low + 1, dtype=np.bool_)
    marks[others - low] = True
    inside = (numbers >= low) & (numbers - low < len(marks))
    marked: Marks = inside & marks[np.where(inside, numbers - low, 0)]
    return marked
