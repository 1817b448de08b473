"""DMARC verdicts: discovery, alignment, errors, several authors."""

from __future__ import annotations

import pytest

from shared.protocol.dkim.result import DkimResult
from shared.protocol.dmarc.author import Authors
from shared.protocol.dmarc.evaluate import evaluate
from shared.protocol.dmarc.result import DmarcResult
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question
from shared.protocol.spf.result import SpfResult

REJECT = "v=DMARC1; p=reject; sp=quarantine"


def spf(domain: str, result: str = "pass") -> SpfResult:
    return SpfResult(result, domain, "mfrom")  # type: ignore[arg-type]


def dkim(domain: str, result: str = "pass") -> DkimResult:
    return DkimResult(result, domain)  # type: ignore[arg-type]


def judge(
    zone: dict[str, str],
    *authors: str,
    by_spf: SpfResult | None = None,
    by_dkim: tuple[DkimResult, ...] = (),
    fault: str = "",
) -> DmarcResult:
    asked: list[str] = []

    def look_up(question: Question) -> Answer:
        asked.append(question.name)
        assert question.rdtype == "TXT"
        text = zone.get(question.name)
        if text == "silence":
            return Answer("temperror", source="silence")
        return Answer("ok", tuple(text.split("|")), 60) if text else Answer("nxdomain")

    result = drive_sync(evaluate(Authors(authors, fault), by_spf, by_dkim), look_up)
    assert len(asked) <= 2 * max(1, len(authors))
    return result


@pytest.mark.parametrize(
    ("by_spf", "by_dkim", "result"),
    [
        (spf("example.org"), (), "pass"),
        (spf("bounce.example.org"), (), "pass"),
        (spf("example.net"), (), "fail"),
        (spf("example.org", "softfail"), (), "fail"),
        (None, (dkim("example.org"),), "pass"),
        (None, (dkim("example.net"), dkim("mail.example.org")), "pass"),
        (None, (dkim("example.org", "fail"),), "fail"),
        (None, (dkim("example.org", "policy"), dkim("notexample.org")), "fail"),
        (spf("example.org", "temperror"), (), "temperror"),
        (spf("example.net", "temperror"), (), "fail"),
        (None, (dkim("example.org", "temperror"),), "temperror"),
        (spf("example.org", "temperror"), (dkim("example.org"),), "pass"),
        (None, (), "fail"),
        (None, (dkim("", "neutral"),), "fail"),
    ],
)
def test_alignment(by_spf: SpfResult | None, by_dkim: tuple[DkimResult, ...], result: str) -> None:
    verdict = judge({"_dmarc.example.org": REJECT}, "example.org", by_spf=by_spf, by_dkim=by_dkim)
    assert (verdict.result, verdict.policy, verdict.policy_domain) == (result, "reject", "example.org")


def test_the_aligned_identifiers_are_reported() -> None:
    verdict = judge(
        {"_dmarc.example.org": REJECT},
        "example.org",
        by_spf=spf("b.example.org"),
        by_dkim=(dkim("a.example.org"), dkim("x.example")),
    )
    assert (verdict.aligned_spf, verdict.aligned_dkim, verdict.record) == ("b.example.org", ("a.example.org",), REJECT)


@pytest.mark.parametrize(
    ("modes", "by_spf", "by_dkim", "result"),
    [
        ("adkim=s", None, (dkim("a.example.org"),), "fail"),
        ("adkim=s", None, (dkim("example.org"),), "pass"),
        ("adkim=s", spf("a.example.org"), (), "pass"),
        ("aspf=s", spf("a.example.org"), (), "fail"),
        ("aspf=s", spf("example.org"), (), "pass"),
    ],
)
def test_strict_alignment(modes: str, by_spf: SpfResult | None, by_dkim: tuple[DkimResult, ...], result: str) -> None:
    zone = {"_dmarc.example.org": f"v=DMARC1; p=reject; {modes}"}
    assert judge(zone, "example.org", by_spf=by_spf, by_dkim=by_dkim).result == result


def test_subdomain_uses_the_policy_of_the_organisation() -> None:
    verdict = judge({"_dmarc.example.org": REJECT}, "news.example.org")
    assert (verdict.result, verdict.policy, verdict.policy_domain) == ("fail", "quarantine", "example.org")
    own = judge({"_dmarc.example.org": REJECT, "_dmarc.news.example.org": "v=DMARC1; p=none"}, "news.example.org")
    assert (own.policy, own.policy_domain) == ("none", "news.example.org")


def test_public_suffix_is_nobodys_organisation() -> None:
    assert judge({"_dmarc.co.uk": REJECT}, "example.co.uk").result == "none"
    assert judge({"_dmarc.a.co.uk": REJECT}, "a.co.uk", by_spf=spf("b.co.uk")).result == "fail"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("v=DMARC1; p=none|v=DMARC1; p=reject", "none"),
        ("v=DMARC1; p=huh", "permerror"),
        ("silence", "temperror"),
        ("other text", "none"),
    ],
)
def test_records_that_state_no_policy(text: str, result: str) -> None:
    verdict = judge({"_dmarc.example.org": text}, "example.org", by_spf=spf("example.org"))
    assert (verdict.result, verdict.disposition(0)) == (result, "none")
    assert verdict.reason


def test_no_author() -> None:
    assert judge({}, fault="no From").result == "permerror"
    assert judge({}, *(f"a{number}.example" for number in range(9))).reason == "too many author domains"
    assert judge({}, "[192.0.2.1]").result == "none"


def test_several_authors_get_the_most_severe_verdict() -> None:
    zone = {"_dmarc.example.org": REJECT, "_dmarc.example.net": "v=DMARC1; p=quarantine"}
    verdict = judge(
        zone, "example.net", "example.org", "other.example", by_spf=spf("example.net"), fault="several From"
    )
    assert (verdict.result, verdict.author_domain, verdict.policy) == ("fail", "example.org", "reject")
    assert verdict.reason.startswith("several From; ")


@pytest.mark.parametrize(("policy", "milder"), [("reject", "quarantine"), ("quarantine", "none"), ("none", "none")])
def test_percent(policy: str, milder: str) -> None:
    verdict = DmarcResult("fail", policy=policy, percent=20)  # type: ignore[arg-type]
    assert [verdict.disposition(roll) for roll in (0, 19, 20, 99)] == [policy, policy, milder, milder]
    assert DmarcResult("pass", policy=policy).disposition(0) == "none"  # type: ignore[arg-type]
