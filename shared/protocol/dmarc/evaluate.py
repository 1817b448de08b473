"""Evaluates DMARC for a message (RFC 7489 §6.6)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import cache, lru_cache

import msgspec
from publicsuffixlist import PublicSuffixList

from shared.protocol.dkim.result import DkimResult
from shared.protocol.dmarc.author import Authors
from shared.protocol.dmarc.record import DmarcRecord, parse_record, select_records
from shared.protocol.dmarc.result import DmarcCode, DmarcResult
from shared.protocol.dns.evaluation import Answered, Asked, Evaluation, single_answer
from shared.protocol.dns.names import is_fully_qualified
from shared.protocol.dns.question import Question
from shared.protocol.spf.result import SpfResult

_MAX_AUTHORS = 4
_CODES: tuple[DmarcCode, ...] = ("fail", "permerror", "temperror", "none", "pass")
_POLICIES = ("reject", "quarantine", "none")


class _Discovery(msgspec.Struct, frozen=True):
    """The result of policy discovery: a record, or the reason why none applies."""

    domain: str = ""
    record: DmarcRecord | None = None
    failure: DmarcResult | None = None


def evaluate(authors: Authors, spf: SpfResult | None, dkim: Sequence[DkimResult]) -> Evaluation[DmarcResult]:
    """The verdict for a message of these authors with these results of SPF and DKIM.

    Each of several author domains is evaluated, and the most severe verdict is returned (§6.6.1). Never raises.
    """
    if not authors.domains or len(authors.domains) > _MAX_AUTHORS:
        return DmarcResult("permerror", reason=authors.fault or "too many author domains")
    verdicts: list[DmarcResult] = []
    for domain in authors.domains:
        verdicts += [(yield from _evaluate_domain(domain, spf, dkim))]
    worst = min(verdicts, key=lambda verdict: (_CODES.index(verdict.result), _POLICIES.index(verdict.policy)))
    return (
        worst
        if not authors.fault
        else msgspec.structs.replace(worst, reason=f"{authors.fault}; {worst.reason}".removesuffix("; "))
    )


def _evaluate_domain(domain: str, spf: SpfResult | None, dkim: Sequence[DkimResult]) -> Evaluation[DmarcResult]:
    if not is_fully_qualified(domain):
        return DmarcResult("none", domain, reason="no domain name")
    discovery = yield from _discover(domain)
    if discovery.failure is not None:
        return discovery.failure
    if discovery.record is None:
        return DmarcResult("none", domain, reason="no policy published")
    return _judge(domain, discovery.domain, discovery.record, spf, dkim)


def _discover(domain: str) -> Generator[Asked, Answered, _Discovery]:
    """Discover the policy (§6.6.3): of the author domain, then of the organisational domain."""
    for candidate in dict.fromkeys((domain, organisational_domain(domain))):
        answer = single_answer((yield Question(f"_dmarc.{candidate}", "TXT")))
        if answer.status == "temperror":
            return _Discovery(
                failure=DmarcResult("temperror", domain, reason=f"no answer about the policy: {answer.source}")
            )
        records = select_records(answer.records)
        if len(records) > 1:
            return _Discovery(
                failure=DmarcResult("none", domain, reason=f"{candidate} has {len(records)} policy records")
            )
        if records:
            return _with_record(domain, candidate, records[0])
    return _Discovery()


def _with_record(domain: str, candidate: str, text: str) -> _Discovery:
    record = parse_record(text)
    if record is not None:
        return _Discovery(candidate, record)
    return _Discovery(
        failure=DmarcResult(
            "permerror", domain, policy_domain=candidate, record=text, reason="the record states no policy"
        )
    )


def _judge(
    domain: str, policy_domain: str, record: DmarcRecord, spf: SpfResult | None, dkim: Sequence[DkimResult]
) -> DmarcResult:
    """Check identifier alignment (§3.1): one aligned pass is enough."""
    spf_domain = spf.domain if spf is not None and _is_aligned(domain, spf.domain, strict=record.strict_spf) else ""
    signed = [verdict for verdict in dkim if _is_aligned(domain, verdict.domain, strict=record.strict_dkim)]
    aligned_spf = spf_domain if spf is not None and spf.result == "pass" else ""
    aligned_dkim = tuple(dict.fromkeys(verdict.domain for verdict in signed if verdict.result == "pass"))
    code, reason = _code(aligned_spf, aligned_dkim, _is_undecided(spf if spf_domain else None, signed))
    return DmarcResult(
        code,
        domain,
        record.policy if domain == policy_domain else record.subdomain_policy,
        policy_domain,
        record.text,
        record.percent,
        aligned_spf,
        aligned_dkim,
        reason,
    )


def _code(aligned_spf: str, aligned_dkim: tuple[str, ...], is_undecided: bool) -> tuple[DmarcCode, str]:
    if aligned_spf or aligned_dkim:
        return "pass", ""
    if is_undecided:
        return "temperror", "SPF or DKIM of an aligned domain is undecided"
    return "fail", "neither SPF nor DKIM passed for an aligned domain"


def _is_undecided(spf: SpfResult | None, signed: Sequence[DkimResult]) -> bool:
    """Whether a temporary error leaves the result open, so that the policy cannot be applied (§6.6.2)."""
    return (spf is not None and spf.result == "temperror") or any(verdict.result == "temperror" for verdict in signed)


def _is_aligned(author: str, domain: str, *, strict: bool) -> bool:
    if author == domain:
        return True
    return not strict and bool(domain) and organisational_domain(author) == organisational_domain(domain)


@cache
def _suffixes() -> PublicSuffixList:
    """The list of public suffixes in the package, read when it is first needed."""
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def organisational_domain(domain: str) -> str:
    """The organisational domain of a lower-case name in A-labels (RFC 7489 §3.2).

    It is one label longer than the public suffix; a public suffix is returned itself.
    """
    return _suffixes().privatesuffix(domain) or domain
