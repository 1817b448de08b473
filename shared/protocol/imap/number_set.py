"""A set of UIDs or of sequence numbers as sorted, disjoint, non-adjacent inclusive ranges."""

from collections.abc import Iterable, Iterator

import msgspec

Range = tuple[int, int]
"""First and last number, both included."""

MAX_NUMBER = 4_294_967_295
"""The largest UID, sequence number or 32-bit number (RFC 9051 section 9, `number`)."""


class NumberSet(msgspec.Struct, frozen=True):
    """Normalised ranges; build it with `of_ranges` or `of_numbers` unless the ranges are known to be normal.

    Nothing here costs more than the count of ranges, except iteration.
    """

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of_ranges(cls, ranges: Iterable[Range]) -> "NumberSet":
        """From ranges in any order, overlapping or not; each has first <= last."""
        return cls(tuple(_merge(sorted(ranges))))

    @classmethod
    def of_sorted(cls, ranges: Iterable[Range]) -> "NumberSet":
        """From ranges already sorted by their first number; overlapping and adjacent ones are joined."""
        return cls(tuple(_merge(ranges)))

    @classmethod
    def of_numbers(cls, numbers: Iterable[int]) -> "NumberSet":
        """From single numbers in any order, repeated or not."""
        return cls.of_sorted((number, number) for number in sorted(numbers))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(last - first for first, last in self.ranges) + len(self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = _first_reaching(self.ranges, number)
        return at < len(self.ranges) and self.ranges[at][0] <= number

    @property
    def smallest(self) -> int:
        """The smallest number; 0 when empty."""
        return self.ranges[0][0] if self.ranges else 0

    @property
    def largest(self) -> int:
        """The largest number; 0 when empty."""
        return self.ranges[-1][1] if self.ranges else 0

    def union(self, other: "NumberSet") -> "NumberSet":
        """Numbers in either."""
        return NumberSet.of_ranges(self.ranges + other.ranges)

    def intersection(self, other: "NumberSet") -> "NumberSet":
        """Numbers in both."""
        return NumberSet(tuple(_common(self.ranges, other.ranges)))

    def difference(self, other: "NumberSet") -> "NumberSet":
        """Numbers of this one that the other has not."""
        return NumberSet(tuple(_without(self.ranges, other.ranges)))

    def pages(self, ranges: int) -> Iterator["NumberSet"]:
        """The same numbers, at most so many ranges at a time, ascending."""
        for start in range(0, len(self.ranges), ranges):
            yield NumberSet(self.ranges[start : start + ranges])

    def wire(self) -> bytes:
        """The shortest `sequence-set` text: `1:3,5`; empty bytes when empty, which is no valid sequence-set."""
        return ",".join([str(first) if first == last else f"{first}:{last}" for first, last in self.ranges]).encode()


def _first_reaching(ranges: tuple[Range, ...], number: int) -> int:
    """Index of the first range that ends at or after the number (bisect over the last numbers)."""
    low, high = 0, len(ranges)
    while low < high:
        middle = (low + high) // 2
        if ranges[middle][1] < number:
            low = middle + 1
        else:
            high = middle
    return low


def _merge(ranges: Iterable[Range]) -> Iterator[Range]:
    """Join overlapping and adjacent neighbours of a sorted sequence."""
    held_first, held_last = 0, -1
    for first, last in ranges:
        if held_last < 0:
            held_first, held_last = first, last
        elif first <= held_last + 1:
            held_last = max(held_last, last)
        else:
            yield held_first, held_last
            held_first, held_last = first, last
    if held_last >= 0:
        yield held_first, held_last


def _common(left: tuple[Range, ...], right: tuple[Range, ...]) -> Iterator[Range]:
    """Overlaps of two normal range lists, in one pass over both."""
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            yield first, last
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1


def _without(left: tuple[Range, ...], right: tuple[Range, ...]) -> Iterator[Range]:
    """What the left ranges keep after the right ones are cut out, in one pass over both."""
    j = 0
    for first, last in left:
        while j < len(right) and right[j][1] < first:
            j += 1
        at = j
        while at < len(right) and right[at][0] <= last and first <= last:
            if first < right[at][0]:
                yield first, right[at][0] - 1
            first = right[at][1] + 1
            at += 1
        # The last cut may reach into the next range, so it is looked at again there.
        j = max(j, at - 1)
        if first <= last:
            yield first, last
