"""Patterns of `:matches`: compared with a plain recursive definition of them, and their captures."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.sieve.compare.glob import compile_glob


def matches(pattern: str, value: str) -> bool:
    """RFC 5228 §2.7.1, as a definition."""

    @cache
    def at(position: int, offset: int) -> bool:
        if position == len(pattern):
            return offset == len(value)
        mark = pattern[position]
        if mark == "*":
            return any(at(position + 1, later) for later in range(offset, len(value) + 1))
        if mark == "\\" and position + 1 < len(pattern):
            return value[offset : offset + 1] == pattern[position + 1] and at(position + 2, offset + 1)
        return offset < len(value) and mark in ("?", value[offset]) and at(position + 1, offset + 1)

    return at(0, 0)


def captures(pattern: str, value: str) -> list[str] | None:
    spans = compile_glob(pattern).match(value, lambda _work: None)
    return None if spans is None else [value[start:end] for start, end in spans]


@given(st.text("ab*?\\", max_size=12), st.text("ab*?\\", max_size=14))
def test_it_matches_what_the_definition_matches(pattern: str, value: str) -> None:
    assert (captures(pattern, value) is not None) is matches(pattern, value)


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=14))
def test_captures_put_together_give_the_value(pattern: str, value: str) -> None:
    captured = captures(pattern, value)
    if captured is not None:
        texts = iter(captured)
        assert "".join(next(texts) if mark in "*?" else mark for mark in pattern) == value
        assert list(texts) == []


@given(st.text("ab*?\\", max_size=12), st.text("ab*?\\", max_size=14))
def test_octets_match_like_characters(pattern: str, value: str) -> None:
    spans = compile_glob(pattern.encode()).match(value.encode(), lambda _work: None)
    assert (spans is not None) is matches(pattern, value)


def test_wildcards_match_as_little_as_possible() -> None:
    assert captures("*a*", "bab ab") == ["b", "b ab"]
    assert captures("*?b*", "aabab") == ["", "a", "ab"] or captures("*?b*", "aabab") == ["a", "a", "ab"]
    assert captures("?*", "abc") == ["a", "bc"]
    assert captures("**", "abc") == ["", "abc"]


def test_the_work_is_reported() -> None:
    spent: list[int] = []
    compile_glob("*?a?b*").match("xaxaxaxax", spent.append)
    assert sum(spent) > 9
