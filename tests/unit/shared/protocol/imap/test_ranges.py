"""Ranges of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.imap.ranges import common, count, joined, overlapping, pages, ranges, without

UIDS = st.sets(st.integers(1, 60))


def uids_of(spans: Iterable[tuple[int, int]]) -> list[int]:
    """Every UID of some ranges."""
    return [uid for first, last in spans for uid in range(first, last + 1)]


@given(UIDS)
def test_ranges_hold_the_same_uids(uids: set[int]) -> None:
    result = ranges(sorted(uids))
    assert list(uids_of(result)) == sorted(uids)
    assert count(result) == len(uids)


@given(UIDS, UIDS)
def test_common_is_the_intersection(left: set[int], right: set[int]) -> None:
    assert set(uids_of(common(ranges(sorted(left)), ranges(sorted(right))))) == left & right


@given(UIDS, UIDS)
def test_without_is_the_difference(left: set[int], right: set[int]) -> None:
    rest = without(ranges(sorted(left)), ranges(sorted(right)))
    assert list(uids_of(rest)) == sorted(left - right)
    assert rest == ranges(sorted(left - right))


@given(UIDS, st.integers(1, 9))
def test_pages_are_the_same_uids_a_few_at_a_time(uids: set[int], size: int) -> None:
    cut = list(pages(ranges(sorted(uids)), size))
    assert [uid for page in cut for uid in uids_of(page)] == sorted(uids)
    assert all(count(page) == size for page in cut[:-1])
    assert all(0 < count(page) <= size for page in cut)
    assert joined(span for page in cut for span in page) == ranges(sorted(uids))


@given(st.sets(st.integers(1, 300)), st.integers(1, 300), st.integers(0, 60))
def test_overlapping_ranges_are_those_with_a_number_in_between(numbers: set[int], first: int, width: int) -> None:
    spans = ranges(sorted(numbers))
    last = first + width
    assert overlapping(spans, first, last) == tuple(span for span in spans if span[1] >= first and span[0] <= last)


class _Counted(tuple[tuple[int, int], ...]):
    """Ranges that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, at: Any) -> Any:
        type(self).looks += 1
        return super().__getitem__(at)


def test_the_work_for_overlapping_ranges_does_not_grow_with_the_others() -> None:
    spans = _Counted((number, number) for number in range(1, 200_000, 2))
    assert overlapping(spans, 100_000, 100_010) == tuple((number, number) for number in range(100_001, 100_011, 2))
    assert 0 < _Counted.looks < 100
