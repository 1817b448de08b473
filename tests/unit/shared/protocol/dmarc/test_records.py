"""Organisational domains, policy records and authors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dmarc.author import read_authors
from shared.protocol.dmarc.evaluate import organisational_domain
from shared.protocol.dmarc.record import parse_record, select_records
from shared.protocol.dns.names import to_a_labels
from tests.parts import test_data

SUFFIX_TESTS = test_data.folder() / "addresses" / "publicsuffix-tests.txt"


def suffix_cases() -> list[tuple[str, str | None]]:
    if not SUFFIX_TESTS.exists():
        return []
    lines = SUFFIX_TESTS.read_text(encoding="utf-8").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("//")]
    return [
        (name, None if expected == "null" else expected)
        for name, expected in pairs
        if name != "null" and not name.startswith(".")
    ]


@pytest.mark.skipif(not suffix_cases(), reason=f"no suffix tests at {SUFFIX_TESTS}")
def test_suffix_cases_are_there() -> None:
    assert len(suffix_cases()) > 70


@pytest.mark.parametrize(("name", "expected"), suffix_cases())
def test_organisational_domain(name: str, expected: str | None) -> None:
    """A name without a registrable domain, because it is a public suffix, is its own organisational domain."""
    domain = to_a_labels(name)
    assert domain is not None
    assert organisational_domain(domain) == (to_a_labels(expected) if expected else domain)


def test_record() -> None:
    record = parse_record(
        "v=DMARC1; p=Reject; sp=none; adkim=s; aspf=R; pct=30; ri=3600; fo=1:d; x=y;"
        " rua=mailto:a@example.org!10m, https://example.org/, mailto:b@example.org; ruf=mailto:f@example.org"
    )
    assert record is not None
    assert (record.policy, record.subdomain_policy, record.strict_dkim, record.strict_spf) == (
        "reject",
        "none",
        True,
        False,
    )
    assert (record.percent, record.interval, record.failure_options) == (30, 3600, "1:d")
    assert [(address.uri, address.size_limit) for address in record.aggregate_reports] == [
        ("mailto:a@example.org", "10m"),
        ("mailto:b@example.org", ""),
    ]
    assert record.failure_reports[0].uri == "mailto:f@example.org"


def test_defaults() -> None:
    record = parse_record("v=DMARC1;p=quarantine")
    assert record is not None
    assert (record.subdomain_policy, record.percent, record.strict_dkim, record.strict_spf) == (
        "quarantine",
        100,
        False,
        False,
    )


@pytest.mark.parametrize(
    "text", ["v=DMARC1", "v=DMARC1; p=", "v=DMARC1; p=maybe", "v=DMARC1; p=none; sp=maybe", "v=DMARC1; rua=http://x/"]
)
def test_no_policy(text: str) -> None:
    assert parse_record(text) is None


@pytest.mark.parametrize(
    "text", ["v=DMARC1; rua=mailto:a@example.org", "v=DMARC1; p=reject; sp=x; rua=mailto:a@example.org"]
)
def test_bad_policy_with_reports_is_none(text: str) -> None:
    record = parse_record(text)
    assert record is not None
    assert (record.policy, record.subdomain_policy) == ("none", "none")


@pytest.mark.parametrize("value", ["101", "-1", "x", "", "9" * 40])
def test_bad_percent_is_whole(value: str) -> None:
    record = parse_record(f"v=DMARC1; p=reject; pct={value}")
    assert record is not None
    assert record.percent == 100


def test_selection() -> None:
    good = ["v=DMARC1; p=none", "v=DMARC1", " v = DMARC1 ;p=none"]
    assert select_records([*good, "v=DMARC10; p=none", "p=none; v=DMARC1", "v=dmarc1; p=none", "v=spf1", ""]) == good


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    parse_record("v=DMARC1;" + text)
    select_records([text])


@pytest.mark.parametrize(
    ("values", "domains", "fault"),
    [
        (["Ann <ann@Example.ORG>"], ("example.org",), ""),
        (["a@x.example, b@y.example, c@x.example"], ("x.example", "y.example"), ""),
        (["a@bücher.example"], ("xn--bcher-kva.example",), ""),
        ([], (), "no From"),
        ([""], (), "unreadable From"),
        (["Ann"], (), "unreadable From"),
        (["a@x.example", "b@y.example"], ("x.example", "y.example"), "several From"),
        (["a@x.example <b@y.example> c@z.example"], ("y.example", "z.example"), ""),
        (["Ann <>", "ann@x.example"], ("x.example",), "unreadable From"),
    ],
)
def test_authors(values: list[str], domains: tuple[str, ...], fault: str) -> None:
    authors = read_authors(values)
    assert authors.fault == fault
    assert authors.domains == domains
