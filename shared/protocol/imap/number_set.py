"""A set of UIDs or sequence numbers, as sorted inclusive ranges that neither overlap nor touch."""

from collections.abc import Iterable, Iterator

import msgspec

from shared.protocol.imap.ranges import Range, Ranges, common, count, joined, ranges, without

MAX_NUMBER = 4_294_967_295
"""The largest UID, sequence number or 32-bit number (RFC 9051 §9, `number`)."""


class NumberSet(msgspec.Struct, frozen=True):
    """Normalised ranges; use `of_ranges` or `of_numbers` unless the ranges are known to be normalised.

    The cost of all methods but iteration grows only with the number of ranges.
    """

    ranges: Ranges = ()

    @classmethod
    def of_ranges(cls, spans: Iterable[Range]) -> "NumberSet":
        """From ranges in any order, which may overlap; each has first <= last."""
        return cls(joined(sorted(spans)))

    @classmethod
    def of_sorted(cls, spans: Iterable[Range]) -> "NumberSet":
        """From ranges sorted by their first number; overlapping and adjacent ranges are joined."""
        return cls(joined(spans))

    @classmethod
    def of_numbers(cls, numbers: Iterable[int]) -> "NumberSet":
        """From single numbers in any order, possibly repeated."""
        return cls(ranges(sorted(numbers)))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return count(self.ranges)

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
        """The numbers in either set."""
        return NumberSet.of_ranges(self.ranges + other.ranges)

    def intersection(self, other: "NumberSet") -> "NumberSet":
        """The numbers in both sets."""
        return NumberSet(common(self.ranges, other.ranges))

    def difference(self, other: "NumberSet") -> "NumberSet":
        """The numbers of this set that the other does not contain."""
        return NumberSet(without(self.ranges, other.ranges))

    def pages(self, size: int) -> Iterator["NumberSet"]:
        """The numbers in ascending sets of at most `size` ranges."""
        for start in range(0, len(self.ranges), size):
            yield NumberSet(self.ranges[start : start + size])

    def wire(self) -> bytes:
        """The shortest `sequence-set`, such as `1:3,5`; empty for an empty set, which is no valid sequence-set."""
        return ",".join([str(first) if first == last else f"{first}:{last}" for first, last in self.ranges]).encode()


def _first_reaching(spans: Ranges, number: int) -> int:
    """The index of the first range that ends at or after the number, found by bisection."""
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if spans[middle][1] < number:
            low = middle + 1
        else:
            high = middle
    return low
