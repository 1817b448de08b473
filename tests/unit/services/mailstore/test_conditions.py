"""The SQL conditions by which a statement selects UIDs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailstore.projections.conditions import conditions
from shared.protocol.imap.ranges import ranges


@pytest.mark.parametrize("scale", [1, 5])
@given(st.sets(st.integers(1, 60)))
def test_conditions_hold_for_the_same_uids_and_are_few(scale: int, uids: set[int]) -> None:
    spans = tuple((first * scale, last * scale) for first, last in ranges(sorted(uids)))
    result: list[int] = []
    for text, parameters in conditions(spans):
        if text.startswith("uid BETWEEN"):
            result += range(parameters[0], parameters[1] + 1)
        else:
            assert text.count("?") == len(parameters)
            result += sorted(set(parameters))
    assert result == [uid for first, last in spans for uid in range(first, last + 1)]


def test_ten_thousand_single_uids_are_fifty_conditions() -> None:
    result = list(conditions([(uid, uid) for uid in range(1, 20_001, 2)]))
    assert len(result) == 50
    assert len({text for text, _ in result}) == 1
