"""Ranges of UIDs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Ranges = tuple[tuple[int, int], ...]


def ranges(uids: Iterable[int]) -> Ranges:
    """Ascending UIDs as ranges."""
    result: list[tuple[int, int]] = []
    first = last = 0
    for uid in uids:
        if uid != last + 1 or not last:
            if last:
                result.append((first, last))
            first = uid
        last = uid
    if last:
        result.append((first, last))
    return tuple(result)


def count(spans: Iterable[tuple[int, int]]) -> int:
    """The number of UIDs in the ranges."""
    return sum(last - first + 1 for first, last in spans)


def common(left: Ranges, right: Ranges) -> Ranges:
    """The UIDs in both of two ascending lists of ranges; one pass over both."""
    result: list[tuple[int, int]] = []
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


def pages(spans: Iterable[tuple[int, int]], size: int) -> Iterator[Ranges]:
    """The UIDs of ascending ranges, at most `size` at a time."""
    held: list[tuple[int, int]] = []
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


def joined(spans: Iterable[tuple[int, int]]) -> Ranges:
    """Ascending ranges, with adjacent ranges joined."""
    result: list[tuple[int, int]] = []
    for first, last in spans:
        if result and result[-1][1] + 1 == first:
            result[-1] = (result[-1][0], last)
        else:
            result.append((first, last))
    return tuple(result)


def without(left: Ranges, right: Ranges) -> Ranges:
    """The ranges of `left` without the UIDs in `right`; one pass over both."""
    result: list[tuple[int, int]] = []
    at = 0
    for first, last in left:
        while at < len(right) and right[at][1] < first:
            at += 1
        cut = at
        while cut < len(right) and right[cut][0] <= last and first <= last:
            if first < right[cut][0]:
                result.append((first, right[cut][0] - 1))
            first = right[cut][1] + 1
            cut += 1
        if first <= last:
            result.append((first, last))
    return tuple(result)


def above(spans: Ranges, uid: int) -> Ranges:
    """The UIDs above `uid` in ascending ranges."""
    return tuple((max(first, uid + 1), last) for first, last in spans if last > uid)
