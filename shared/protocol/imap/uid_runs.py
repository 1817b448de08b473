"""A session's view of a mailbox: the UIDs in it, and thereby the sequence number of each."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, count
from operator import add as plus
from operator import sub

from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ranges import Range


class UidRuns:
    """The UIDs of a mailbox in ascending order, as runs of consecutive numbers; 12 bytes for each run.

    Sequence number n is the n-th UID (RFC 3501 §2.3.1.2). A look-up in either direction is O(log runs). Adding new mail
    at the end is O(1). After a removal the counts behind it are recomputed once, at the next look-up that needs them.
    The object is mutable and belongs to one session; `copy()` costs a few memory copies.
    """

    __slots__ = ("_before", "_ends", "_starts", "_total")

    def __init__(self, uids: NumberSet | None = None) -> None:
        self._load(uids or NumberSet())

    def _load(self, uids: NumberSet) -> None:
        self._starts = array("I", [first for first, _ in uids.ranges])
        self._ends = array("I", [last for _, last in uids.ranges])
        self._before = array("I")
        self._total = len(uids)

    def copy(self) -> "UidRuns":
        """An independent view of the same UIDs."""
        twin = UidRuns.__new__(UidRuns)
        twin._starts, twin._ends, twin._before, twin._total = (
            self._starts[:],
            self._ends[:],
            self._before[:],
            self._total,
        )
        return twin

    def __len__(self) -> int:
        """The number of messages (EXISTS)."""
        return self._total

    def __bool__(self) -> bool:
        return self._total > 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UidRuns) and self._starts == other._starts and self._ends == other._ends

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __iter__(self) -> Iterator[int]:
        for first, last in zip(self._starts, self._ends, strict=True):
            yield from range(first, last + 1)

    def __contains__(self, uid: object) -> bool:
        return isinstance(uid, int) and self._run_holding(uid) >= 0

    @property
    def run_count(self) -> int:
        """The number of runs."""
        return len(self._starts)

    @property
    def are_sequences(self) -> bool:
        """Whether each UID is its sequence number."""
        return self.largest == self._total

    @property
    def largest(self) -> int:
        """The largest UID, which `*` means in a UID command; 0 when empty."""
        return self._ends[-1] if self._ends else 0

    def uids(self) -> NumberSet:
        """All UIDs."""
        return NumberSet(tuple(zip(self._starts, self._ends, strict=True)))

    # -- changes

    def add(self, first: int, last: int = 0) -> None:
        """Add UID `first`, or all UIDs from `first` to `last`."""
        last = last or first
        if first > self.largest:
            self._append(first, last)
        else:
            self._load(self.uids().union(NumberSet(((first, last),))))

    def extend(self, uids: NumberSet) -> None:
        """Add UIDs that are all larger than the present ones."""
        for first, last in uids.ranges:
            self._append(first, last)

    def _append(self, first: int, last: int) -> None:
        if self._ends and self._ends[-1] + 1 == first:
            self._ends[-1] = last
        else:
            self._starts.append(first)
            self._ends.append(last)
        self._total += last - first + 1

    def remove(self, uid: int) -> bool:
        """Remove one UID; False when it is missing."""
        run = self._run_holding(uid)
        if run < 0:
            return False
        self._cut(run, uid)
        del self._before[run + 1 :]
        self._total -= 1
        return True

    def _cut(self, run: int, uid: int) -> None:
        first, last = self._starts[run], self._ends[run]
        if first == last:
            del self._starts[run], self._ends[run], self._before[run:]
        elif uid == first:
            self._starts[run] = uid + 1
        elif uid == last:
            self._ends[run] = uid - 1
        else:
            self._ends[run] = uid - 1
            self._starts.insert(run + 1, uid + 1)
            self._ends.insert(run + 1, last)

    def remove_all(self, uids: NumberSet) -> None:
        """Remove many UIDs in one pass; missing ones are ignored."""
        if len(uids.ranges) == 1 and uids.smallest == uids.largest:
            self.remove(uids.smallest)
        elif uids:
            self._cut_all(list(self._overlaps(uids)))

    def _cut_all(self, gone: list[tuple[int, int, int]]) -> None:
        """Remove the UIDs; the runs between affected ones are copied as a block."""
        starts, ends = array("I"), array("I")
        kept = 0
        for run, first, last in gone:
            if run >= kept:
                starts.extend(self._starts[kept : run + 1])
                ends.extend(self._ends[kept : run + 1])
                kept = run + 1
            end = ends.pop()
            if starts[-1] == first:
                starts.pop()
            else:
                ends.append(first - 1)
            if last < end:
                starts.append(last + 1)
                ends.append(end)
        starts.extend(self._starts[kept:])
        ends.extend(self._ends[kept:])
        self._starts, self._ends, self._before = starts, ends, array("I")
        self._total -= sum(last - first + 1 for _, first, last in gone)

    # -- look-ups

    def uid_at(self, sequence: int) -> int:
        """The UID of a sequence number, or 0."""
        if not 1 <= sequence <= self._total:
            return 0
        self._count()
        run = bisect_right(self._before, sequence - 1) - 1
        return self._starts[run] + sequence - 1 - self._before[run]

    def sequence_of(self, uid: int) -> int:
        """The sequence number of a UID, or 0."""
        run = self._run_holding(uid)
        if run < 0:
            return 0
        self._count()
        return self._before[run] + uid - self._starts[run] + 1

    def sequences_in_order(self, uids: Sequence[int]) -> list[int]:
        """The sequence number of each UID, or 0, in the order of the UIDs."""
        if len(self._starts) == 1 and uids and min(uids) >= self._starts[0] and max(uids) <= self._ends[0]:
            before = self._starts[0] - 1  # a mailbox from which nothing was removed
            return [uid - before for uid in uids]
        return list(map(self.sequence_of, uids))

    def select_uids(self, numbers: NumberSet) -> NumberSet:
        """The requested UIDs that are in the view."""
        if (
            len(numbers.ranges) == 1
            and self._starts
            and numbers.smallest <= self._starts[0]
            and self.largest <= numbers.largest
        ):
            return self.uids()  # 1:* is the most common request
        return NumberSet(tuple([(first, last) for _, first, last in self._overlaps(numbers)]))

    def select_sequences(self, numbers: NumberSet) -> NumberSet:
        """The UIDs of the requested sequence numbers; numbers above the count are ignored."""
        self._count()
        ranges: list[Range] = []
        for first, last in numbers.ranges:
            if first <= self._total:
                ranges.extend(self._uids_between(max(first, 1), min(last, self._total)))
        return NumberSet(tuple(ranges))

    def hull(self, numbers: NumberSet) -> NumberSet:
        """Like `select_uids`, but with as few ranges as requested.

        Each range goes from its first UID in the view to its last, over gaps. It costs two look-ups for each range,
        however many runs are in between.
        """
        return NumberSet.of_sorted(self._hulls(numbers))

    def _hulls(self, numbers: NumberSet) -> Iterator[Range]:
        starts, ends, runs = self._starts, self._ends, len(self._starts)
        low = 0
        for first, last in numbers.ranges:
            low = bisect_left(ends, first, low)
            if low == runs:
                return
            high = bisect_left(ends, last, low)
            if high < runs and starts[high] <= last:
                yield max(first, starts[low]), last
            elif high > low:
                yield max(first, starts[low]), ends[high - 1]

    def hull_of_sequences(self, numbers: NumberSet) -> NumberSet:
        """Like `select_sequences`, with ranges like those of `hull`."""
        self._count()
        return NumberSet.of_sorted(self._sequence_hulls(numbers))

    def _sequence_hulls(self, numbers: NumberSet) -> Iterator[Range]:
        starts, before, total = self._starts, self._before, self._total
        run = 1
        for first, last in numbers.ranges:
            first, last = max(first, 1), min(last, total)
            if first > last:
                continue
            run = bisect_right(before, first - 1, run - 1)
            uid = starts[run - 1] + first - 1 - before[run - 1]
            run = bisect_right(before, last - 1, run - 1)
            yield uid, starts[run - 1] + last - 1 - before[run - 1]

    def count(self, numbers: NumberSet) -> int:
        """The number of requested UIDs that are in the view, with the cost of `hull`."""
        self._count()
        ends, runs, low, total = self._ends, len(self._starts), 0, 0
        for first, last in numbers.ranges:
            low = bisect_left(ends, first, low)
            if low == runs:
                break
            total -= self._count_to(first - 1, low)
            low = bisect_left(ends, last, low)
            total += self._count_to(last, low)
        return total

    def _count_to(self, uid: int, run: int) -> int:
        """The number of UIDs in the view up to this one; `run` is the first run that ends at it or later."""
        if run == len(self._starts):
            return self._total
        return self._before[run] + max(uid - self._starts[run] + 1, 0)

    def sequences_of(self, uids: NumberSet) -> NumberSet:
        """The present sequence numbers of those UIDs that are in the view.

        Expunged messages must be announced from the highest number down, so that no number changes another (RFC 3501
        §7.4.1).
        """
        return NumberSet.of_sorted(
            (first, first + last_uid - first_uid) for first, first_uid, last_uid in self.numbered(uids)
        )

    def numbered(self, uids: NumberSet) -> Iterator[tuple[int, int, int]]:
        """Each run of requested UIDs as (sequence number of the first, first UID, last UID), ascending."""
        self._count()
        starts, before = self._starts, self._before
        for run, first, last in self._overlaps(uids):
            yield before[run] + first - starts[run] + 1, first, last

    def batches(self, uids: NumberSet, size: int) -> Iterator[NumberSet]:
        """The requested UIDs that are in the view, as ascending sets of at most `size`."""
        held: list[Range] = []
        room = size
        for _, first, last in self._overlaps(uids):
            while last - first + 1 > room:
                if room:
                    held.append((first, first + room - 1))
                first += room
                yield NumberSet(tuple(held))
                held, room = [], size
            held.append((first, last))
            room -= last - first + 1
        if held:
            yield NumberSet(tuple(held))

    def _overlaps(self, numbers: NumberSet) -> Iterator[tuple[int, int, int]]:
        """(run, first UID, last UID) for each requested part of a run."""
        starts, ends, runs = self._starts, self._ends, len(self._starts)
        run = 0
        for first, last in numbers.ranges:
            run = bisect_left(ends, first, run)
            while run < runs and starts[run] <= last:
                yield run, max(first, starts[run]), min(last, ends[run])
                if ends[run] > last:
                    break
                run += 1

    def _uids_between(self, first: int, last: int) -> Iterator[Range]:
        """The UID ranges of the sequence numbers first to last, which must exist."""
        run = bisect_right(self._before, first - 1) - 1
        while first <= last:
            uid = self._starts[run] + first - 1 - self._before[run]
            end = min(self._ends[run], uid + last - first)
            yield uid, end
            first += end - uid + 1
            run += 1

    def _run_holding(self, uid: int) -> int:
        run = bisect_left(self._ends, uid) if uid > 0 else len(self._ends)
        return run if run < len(self._ends) and self._starts[run] <= uid else -1

    def _count(self) -> None:
        """Recompute the counts of messages before each run, starting at the first unknown one."""
        known = len(self._before)
        if known == len(self._starts):
            return
        first = max(known - 1, 0)
        initial = self._before[first] if known else 0
        # A run contains its last minus its first UID plus one: sum up the differences and count the ones.
        sums = accumulate(map(sub, self._ends[first:-1], self._starts[first:-1]), initial=initial)
        del self._before[first:]
        self._before.extend(map(plus, sums, count()))
