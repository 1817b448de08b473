"""Regular expressions: POSIX syntax, the longest match, and the case of A to Z alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.sieve.compare.pattern import InvalidPattern, compile_pattern, quote_pattern


def matched(pattern: str, value: str, ignores_case: bool = True) -> str | None:
    match = compile_pattern(pattern.encode(), ignores_case).search(value.encode())
    return None if match is None else match[0].decode()


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("re|reply", "Reply", "Reply"),
        ("[a-c]+", "xABCd", "ABC"),
        ("[A-C]+", "xabCd", "abC"),
        ("[^a]+", "AAbA", "b"),
        ("[[:upper:]]+", "xyZ", "xyZ"),
        ("[]a]+", "x]A", "]A"),
        ("[a-]+", "x-A", "-A"),
        ("[X-c]", "b", "b"),
        ("[X-c]", "B", "B"),
        (r"\.a", "b.A", ".A"),
        ("é", "É", None),
        ("k", "\u212a", None),
        ("s", "\u017f", None),
        (".", "é", "é"),
        ("^a.b$", "A\nB", "A\nB"),
        ("a{2,3}", "aaaa", "aaa"),
        (r"\d+\s\w", "a12 b", "12 b"),
        (r"[\d.]+", "aD1.2", "1.2"),
        (r"\bx\b", "ax X", "X"),
    ],
)
def test_case_is_folded_for_ascii_alone(pattern: str, value: str, expected: str | None) -> None:
    assert matched(pattern, value) == expected


def test_case_counts_for_octets() -> None:
    assert matched("a", "A", ignores_case=False) is None
    assert matched("[[:upper:]]", "a", ignores_case=False) is None


@pytest.mark.parametrize("pattern", ["(", "[a", "a{1001}", r"(?i)a", "*a", r"a\1", "[[:none:]]"])
def test_what_is_not_accepted(pattern: str) -> None:
    for ignores_case in (True, False):
        with pytest.raises(InvalidPattern):
            compile_pattern(pattern.encode(), ignores_case)


@given(st.text(max_size=20))
def test_a_quoted_text_matches_itself(text: str) -> None:
    quoted = quote_pattern(text.encode())
    match = compile_pattern(b"^" + quoted + b"$", ignores_case=False).search(text.encode())
    assert match is not None


@given(st.from_regex(r"[ab.\[\]^*|()]{0,8}", fullmatch=True), st.text("abAB", max_size=6))
def test_the_rewritten_pattern_ignores_case(pattern: str, value: str) -> None:
    try:
        compiled = compile_pattern(pattern.encode(), ignores_case=True)
        expected = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    except (InvalidPattern, re.error):
        return
    assert (compiled.search(value.encode()) is not None) is (expected.search(value) is not None)
