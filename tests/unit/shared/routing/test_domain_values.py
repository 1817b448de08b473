"""The texts of a domain's values: how they are read, stored and refused."""

from __future__ import annotations

import pytest

from shared.routing.domain_values import DOMAIN_VALUES, DomainRules, canonical_value, octets_of, rules_of


@pytest.mark.parametrize(
    ("name", "text", "stored"),
    [
        ("catch_all", " Ann@A.example, bob@a.example ann@a.example", "ann@a.example bob@a.example"),
        ("catch_all", "", ""),
        ("separators", "+", ""),
        ("separators", "-+-", "-+"),
        ("separators", "none", "none"),
        ("masquerading", "on", "on"),
        ("masquerading", "off", ""),
        ("default_quota", "2G", "2147483648"),
        ("default_quota", "0", ""),
    ],
)
def test_a_text_has_one_stored_form(name: str, text: str, stored: str) -> None:
    assert canonical_value(name, text) == stored


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("colour", "red"),
        ("catch_all", "nobody"),
        ("catch_all", " ".join(f"a{number}@a.example" for number in range(101))),
        ("separators", "a"),
        ("separators", "+-=_~"),
        ("masquerading", "yes"),
        ("default_quota", "much"),
        ("default_quota", "1025P"),
        ("default_quota", "9" * 400),
    ],
)
def test_a_text_that_means_nothing_is_refused_with_a_sentence(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]{3,}"):
        canonical_value(name, text)


def test_the_default_of_each_value_is_what_rules_without_values_have() -> None:
    assert rules_of({}) == DomainRules()
    assert rules_of({name: canonical_value(name, value.default) for name, value in DOMAIN_VALUES.items()}) == (
        DomainRules()
    )
    assert rules_of({"separators": "none", "masquerading": "on", "catch_all": "a@a.example b@a.example"}) == (
        DomainRules(("a@a.example", "b@a.example"), "", True)
    )


def test_sizes() -> None:
    assert [octets_of(text) for text in ("0", "500M", "2 GiB", "1024P")] == [0, 500 << 20, 2 << 30, 1 << 60]
