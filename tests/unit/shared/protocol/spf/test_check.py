"""What the OpenSPF suite does not test: the contents of the result, international domains, hostile input."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question
from shared.protocol.spf.check import check_helo, check_host
from shared.protocol.spf.macro import SpfSyntaxError, expand, parse_explain_string, parse_macro_string
from shared.protocol.spf.record import parse_record
from shared.protocol.spf.result import LookupLimits, SpfResult
from tests.harness.work import assert_cost_grows_with_size, assert_lines_grow_with_size

CODES = {"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"}


def check(
    zone: dict[str, str], sender: str = "ann@example.org", ip: str = "192.0.2.1", limits: LookupLimits | None = None
) -> SpfResult:
    """A check with the TXT records of a zone, and `A name` or `PTR name` for other records; others do not exist."""

    def look_up(question: Question) -> Answer:
        key = question.name if question.rdtype == "TXT" else f"{question.rdtype} {question.name}"
        return Answer("ok", tuple(zone[key].split("|")), 60) if key in zone else Answer("nxdomain")

    return drive_sync(check_host(ip, "mail.example.org", sender, limits or LookupLimits()), look_up)


def test_the_path_names_what_matched() -> None:
    zone = {
        "example.org": "v=spf1 a include:inner.example ~all",
        "inner.example": "v=spf1 redirect=last.example",
        "last.example": "v=spf1 +ip4:192.0.2.0/24 -all",
        "A example.org": "203.0.113.1",
    }
    result = check(zone)
    assert result.result == "pass"
    assert result.mechanism == "include:inner.example"
    assert result.path == (
        "example.org: include:inner.example",
        "inner.example: redirect=last.example",
        "last.example: +ip4:192.0.2.0/24",
    )
    assert result.tried == (
        "example.org: a",
        "example.org: include:inner.example",
        "inner.example: redirect=last.example",
    )
    assert result.names_host


@pytest.mark.parametrize("record", ["v=spf1 +all", "v=spf1 ALL", "v=spf1 include:everybody.example -all"])
def test_pass_for_everybody_names_nobody(record: str) -> None:
    result = check({"example.org": record, "everybody.example": "v=spf1 all"})
    assert result.result == "pass"
    assert not result.names_host


def test_null_reverse_path_checks_helo() -> None:
    result = check({"mail.example.org": "v=spf1 ip4:192.0.2.1 -all"}, sender="")
    assert (result.result, result.scope, result.domain) == ("pass", "helo", "mail.example.org")
    assert drive_sync(check_helo("192.0.2.1", "localhost"), lambda question: Answer("nxdomain")).result == "none"


def test_internationalised_domain_is_asked_in_a_labels() -> None:
    result = check({"xn--bcher-kva.example": "v=spf1 ip4:192.0.2.1 -all"}, sender="ann@bücher.example")
    assert (result.result, result.domain) == ("pass", "xn--bcher-kva.example")


def test_local_part_outside_ascii_matches_no_macro() -> None:
    zone = {"example.org": "v=spf1 exists:%{l}.example.org -all", "A üser.example.org": "127.0.0.2"}
    assert check(zone, sender="üser@example.org").result == "fail"
    assert check(zone | {"A ann.example.org": "127.0.0.2"}).result == "pass"


def test_limits_are_a_setting() -> None:
    zone = {"example.org": "v=spf1 a a a ip4:192.0.2.1 -all", "A example.org": "203.0.113.1"}
    assert check(zone).result == "pass"
    strict = check(zone, limits=LookupLimits(terms=2))
    assert (strict.result, strict.reason) == ("permerror", "more than 2 terms that ask the DNS, at example.org: a")


def test_explanation_cannot_hold_line_ends() -> None:
    zone = {"example.org": "v=spf1 -all exp=why.example.org", "why.example.org": "no %{s}\r\nX: y"}
    assert check(zone).explanation is None
    assert check(zone | {"why.example.org": "no %{s}"}).explanation == "no ann@example.org"


def test_unreadable_client_address() -> None:
    assert check({}, ip="unknown").result == "none"


# The examples of RFC 7208 §7.4.
SENDER = {"s": "strong-bad@email.example.com", "l": "strong-bad", "o": "email.example.com", "d": "email.example.com"}
IP4 = {"i": "192.0.2.3", "v": "in-addr", "p": "mx.example.org", "h": "mx.example.org"}


@pytest.mark.parametrize(
    ("macro", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("100%%%_%-", "100% %20"),
    ],
)
def test_macros(macro: str, expanded: str) -> None:
    assert expand(parse_macro_string(macro), SENDER | IP4) == expanded


@pytest.mark.parametrize("macro", ["%", "%{", "%{z}", "%{d0}", "%{d1000}", "%{c}", "a b", "%(d)", "é", "%{dr2}"])
def test_bad_macros(macro: str) -> None:
    with pytest.raises(SpfSyntaxError):
        parse_macro_string(macro)


TERMS = st.sampled_from(
    [
        "a",
        "mx",
        "ptr",
        "all",
        "include:",
        "exists:",
        "ip4:",
        "ip6:",
        "redirect=",
        "exp=",
        "%{",
        "}",
        "d",
        "r",
        "/",
        "//",
        "24",
        ":",
        ".",
        "example.org",
        "-",
        "~",
        "?",
        " ",
        "\t",
        "\x00",
        "é",
        "=",
        "1.2.3.4",
        "::1",
    ]
)
TEXTS = st.one_of(st.lists(TERMS, max_size=30).map("".join), st.text(max_size=80))


@given(TEXTS, TEXTS, st.sampled_from(["192.0.2.1", "2001:db8::1"]))
def test_any_record_gives_a_result(record: str, other: str, ip: str) -> None:
    def look_up(question: Question) -> Answer:
        texts = {"example.org": f"v=spf1 {record}", "inner.example": f"v=spf1 {other}"}
        return Answer("ok", (texts.get(question.name, other),), 60) if question.rdtype == "TXT" else Answer("nodata")

    result = drive_sync(check_host(ip, other, "ann@example.org"), look_up)
    assert result.result in CODES


@given(TEXTS, TEXTS)
def test_any_sender_gives_a_result(sender: str, helo: str) -> None:
    evaluation = check_host("192.0.2.1", helo, sender)
    assert (
        drive_sync(evaluation, lambda question: Answer("ok", ("v=spf1 exists:%{s}%{l}%{h}.%{d} -all",))).result in CODES
    )


LONG_RECORDS: dict[str, Callable[[int], str]] = {
    "one term": lambda size: "v=spf1 " + "a" * size,
    "macros": lambda size: "v=spf1 " + "%{d}" * (size // 4),
    "prefixes": lambda size: "v=spf1 " + "a:" + "/2" * (size // 2),
    "spaces": lambda size: "v=spf1" + " " * size,
}


@pytest.mark.parametrize("record", LONG_RECORDS.values(), ids=LONG_RECORDS)
def test_long_records_take_linear_work(record: Callable[[int], str]) -> None:
    def parse(size: int) -> None:
        try:
            parse_record(record(size))
            parse_explain_string(record(size))
        except SpfSyntaxError:
            pass

    parse(60_000)
    assert_lines_grow_with_size(parse, 2_000)
    assert_cost_grows_with_size(parse, 8_000)  # larger lists get fresh pages from the system, which cost more
