"""Ranges of UIDs or sequence numbers: pairs of a first and a last number, both included, ascending and disjoint."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Range = tuple[int, int]
Ranges = tuple[Range, ...]


def ranges(numbers: Iterable[int]) -> Ranges:
    """The ranges of ascending numbers, repeated or not."""
    result: list[Range] = []
    first = last = -2
    for number in numbers:
        if number > last + 1:
            if last >= 0:
                result.append((first, last))
            first = number
        last = number
    if last >= 0:
        result.append((first, last))
    return tuple(result)


def joined(spans: Iterable[Range]) -> Ranges:
    """Ranges that are sorted by their first number, with overlapping and adjacent ranges joined."""
    result: list[Range] = []
    held_first, held_last = 0, -1
    for first, last in spans:
        if held_last >= 0 and first <= held_last + 1:
            held_last = max(held_last, last)
            continue
        if held_last >= 0:
            result.append((held_first, held_last))
        held_first, held_last = first, last
    if held_last >= 0:
        result.append((held_first, held_last))
    return tuple(result)


def count(spans: Iterable[Range]) -> int:
    """The number of numbers in the ranges."""
    return sum(last - first + 1 for first, last in spans)


def common(left: Ranges, right: Ranges) -> Ranges:
    """The numbers in both; one pass over both."""
    result: list[Range] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            result.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def overlapping(spans: Ranges, first: int, last: int) -> Ranges:
    """The ranges that have a number between two, uncut; the work does not grow with the others."""
    begin = bisect_left(spans, first, key=lambda span: span[1])
    return spans[begin : bisect_right(spans, last, lo=begin, key=lambda span: span[0])]


def without(left: Ranges, right: Ranges) -> Ranges:
    """The numbers of `left` that `right` does not contain; one pass over both."""
    result: list[Range] = []
    j = 0
    for first, last in left:
        while j < len(right) and right[j][1] < first:
            j += 1
        at = j
        while at < len(right) and right[at][0] <= last and first <= last:
            if first < right[at][0]:
                result.append((first, right[at][0] - 1))
            first = right[at][1] + 1
            at += 1
        # The last cut may reach into the next range, which is therefore compared with it again.
        j = max(j, at - 1)
        if first <= last:
            result.append((first, last))
    return tuple(result)


def above(spans: Ranges, number: int) -> Ranges:
    """The numbers above `number`."""
    return tuple((max(first, number + 1), last) for first, last in spans if last > number)


def pages(spans: Iterable[Range], size: int) -> Iterator[Ranges]:
    """The numbers, at most `size` at a time."""
    held: list[Range] = []
    room = size
    for first, last in spans:
        while last - first >= room:
            held.append((first, first + room - 1))
            first += room
            yield tuple(held)
            held, room = [], size
        held.append((first, last))
        room -= last - first + 1
        if not room:
            yield tuple(held)
            held, room = [], size
    if held:
        yield tuple(held)
