"""Ranges of numbers."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.imap.ranges import common, count, joined, pages, ranges, without

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
