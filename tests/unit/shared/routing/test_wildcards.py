"""Patterns of localparts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.wildcards import Wildcard, Wildcards

TEXTS = st.text("ab*+", max_size=8)


@given(pattern=TEXTS, localpart=st.text("ab+", max_size=10))
def test_a_pattern_matches_as_its_regular_expression_does(pattern: str, localpart: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert Wildcard("*" + pattern).matches(localpart) == (re.fullmatch(".*" + expression, localpart) is not None)
    assert Wildcard(pattern + "*").matches(localpart) == (re.fullmatch(expression + ".*", localpart) is not None)


@pytest.mark.parametrize(
    ("pattern", "localpart", "matches"),
    [("a*a", "a", False), ("a*a", "aa", True), ("*", "", True), ("a**b", "ab", True), ("a*b*c", "acb", False)],
)
def test_pieces_do_not_overlap(pattern: str, localpart: str, matches: bool) -> None:
    assert Wildcard(pattern).matches(localpart) is matches


def test_the_pattern_with_more_literal_characters_counts_whatever_the_order() -> None:
    patterns = ["*", "sales-*", "sales-eu*", "*-eu", "**"]
    for order in (patterns, patterns[::-1]):
        known = Wildcards()
        for pattern in order:
            known.add(pattern)
        assert known.match(["sales-eu"]) == ("sales-eu*", "sales-eu")
        assert known.match(["sales-us"]) == ("sales-*", "sales-us")
        assert known.match(["x"]) == ("*", "x")
        known.remove("*")
        known.remove("**")
        assert known.match(["x", "x-eu"]) == ("*-eu", "x-eu")
        assert known.match(["x"]) is None
