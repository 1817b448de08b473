"""Ranges of UIDs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Ranges = tuple[tuple[int, int], ...]


def ranges(uids: Iterable[int]) -> Ranges:
    """Ascending UIDs as ranges."""
    found: list[tuple[int, int]] = []
    first = last = 0
    for uid in uids:
        if uid != last + 1 or not last:
            if last:
                found.append((first, last))
            first = uid
        last = uid
    if last:
        found.append((first, last))
    return tuple(found)


def each(spans: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Every UID of some ranges."""
    for first, last in spans:
        yield from range(first, last + 1)


def count(spans: Iterable[tuple[int, int]]) -> int:
    """How many UIDs some ranges hold."""
    return sum(last - first + 1 for first, last in spans)


def common(left: Ranges, right: Ranges) -> Ranges:
    """What two ascending lists of ranges share, in one pass over both."""
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            found.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)
