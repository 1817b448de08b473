"""How patterns of senders and networks are written, and which senders they stand for."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.sender_patterns import (
    LONGEST_PATTERN,
    PatternError,
    SenderGlob,
    canonical_pattern,
    is_literal_form,
    literal_forms,
    network_of_pattern,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Bob@X.Example ", "bob@x.example"),
        ("x.example", "*@x.example"),
        ("*@X.example", "*@x.example"),
        ("*.x.example", "*@*.x.example"),
        ("Bücher.example", "*@xn--bcher-kva.example"),
        ("*.bücher.example", "*@*.xn--bcher-kva.example"),
        ("BOB@*", "bob@*"),
        ("b?b-*@x.example", "b?b-*@x.example"),
        ("GRÜN*@x.example", "grün*@x.example"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
        ("::1", "::1/128"),
    ],
)
def test_the_canonical_form(text: str, expected: str) -> None:
    assert canonical_pattern(text) == expected
    assert canonical_pattern(expected) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 320"),
        ("x" * (LONGEST_PATTERN + 1), "1 to 320"),
        ("a\x00b@x.example", "printable"),
        ("*", "every sender"),
        ("*@*", "every sender"),
        ("*@*.*", "every sender"),
        ("*a*a*a*a*a*a*a*a*@x.example", "at most 8"),
        ("@x.example", "an address, a domain"),
        ("bob@", "an address, a domain"),
        ("two words@x.example", "no address"),
        ("bob@*.x y", "letters, digits"),
        ("*.bü*cher.example", "no wildcard"),
        ("0.0.0.0/0", "whole Internet"),
        ("::/0", "whole Internet"),
        ("192.0.2.0/33", "no network"),
        ("300.0.2.0", "no network"),
    ],
)
def test_what_is_no_pattern_says_why(text: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        canonical_pattern(text)


def test_literal_forms_go_from_the_most_specific_on() -> None:
    assert list(literal_forms("bob@a.x.example")) == [
        "bob@a.x.example",
        "*@a.x.example",
        "*@*.x.example",
        "*@*.example",
        "bob@*",
    ]
    assert all(map(is_literal_form, literal_forms("bob@a.x.example")))
    assert not any(map(is_literal_form, ("b?b@x.example", "*b@x.example", "*@x?.example", "bob@*.example", "*@*x.y")))
    assert network_of_pattern("bob@x.example") is None


@given(
    st.text("ab?*.", min_size=1, max_size=12),
    st.text("ab.", max_size=14),
)
def test_a_glob_is_what_fnmatch_says(pattern: str, key: str) -> None:
    assert SenderGlob(pattern).matches(key) is bool(re.fullmatch(fnmatch.translate(pattern), key))


@given(st.text("ab*@.", min_size=1, max_size=10))
def test_a_canonical_pattern_stays_as_it_is(text: str) -> None:
    try:
        pattern = canonical_pattern(text)
    except PatternError:
        return
    assert canonical_pattern(pattern) == pattern
