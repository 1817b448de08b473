"""Ranges of UIDs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailstore.domain.uids import common, count, joined, pages, ranges, without
from services.mailstore.projections.conditions import conditions

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


@pytest.mark.parametrize("scale", [1, 5])
@given(UIDS)
def test_conditions_hold_for_the_same_uids_and_are_few(scale: int, uids: set[int]) -> None:
    spans = tuple((first * scale, last * scale) for first, last in ranges(sorted(uids)))
    result: list[int] = []
    for text, parameters in conditions(spans):
        if text.startswith("uid BETWEEN"):
            result += range(parameters[0], parameters[1] + 1)
        else:
            assert text.count("?") == len(parameters)
            result += sorted(set(parameters))
    assert result == list(uids_of(spans))


def test_ten_thousand_single_uids_are_fifty_conditions() -> None:
    result = list(conditions([(uid, uid) for uid in range(1, 20_001, 2)]))
    assert len(result) == 50
    assert len({text for text, _ in result}) == 1
