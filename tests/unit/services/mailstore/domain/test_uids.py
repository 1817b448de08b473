"""Ranges of UIDs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.mailstore.domain.uids import common, count, each, ranges

UIDS = st.sets(st.integers(1, 60))


@given(UIDS)
def test_ranges_hold_the_same_uids(uids: set[int]) -> None:
    found = ranges(sorted(uids))
    assert list(each(found)) == sorted(uids)
    assert count(found) == len(uids)


@given(UIDS, UIDS)
def test_common_is_the_intersection(left: set[int], right: set[int]) -> None:
    assert set(each(common(ranges(sorted(left)), ranges(sorted(right))))) == left & right
