"""check_host(): whether this client may use this domain (RFC 7208 §4)."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from shared.protocol.dns.evaluation import Answered, Asked, Evaluation, single_answer
from shared.protocol.dns.names import is_fully_qualified, parse_address, to_a_labels
from shared.protocol.dns.question import Answer, Question
from shared.protocol.spf.explain import explanation
from shared.protocol.spf.macro import MacroString, SpfSyntaxError
from shared.protocol.spf.match import matches
from shared.protocol.spf.record import SpfMechanism, SpfRecord, parse_record, select_records
from shared.protocol.spf.result import LookupLimits, Scope, SpfCode, SpfResult
from shared.protocol.spf.session import PermError, SpfEvaluation, TempError

_DEFAULT_LIMITS = LookupLimits()


class _Outcome(NamedTuple):
    """The result of one domain's record."""

    result: SpfCode
    path: tuple[str, ...] = ()
    mechanism: str = ""
    explain: tuple[MacroString, str] | None = None
    """The exp= modifier, and the domain of the record that contains it."""
    reason: str = ""


def check_host(
    client_ip: str,
    helo: str,
    reverse_path: str,
    limits: LookupLimits = _DEFAULT_LIMITS,
    *,
    receiver: str = "unknown",
    now: int = 0,
) -> Evaluation[SpfResult]:
    """Check the reverse-path, or the HELO name when it is null (RFC 7208 §2.4).

    `client_ip` is an address literal, `reverse_path` the address without angle brackets. `receiver` (this host's name)
    and `now` (UTC microseconds) are only used in macros of explanations. Never raises; errors are in the result.
    """
    scope: Scope = "mfrom" if reverse_path else "helo"
    local, at, sender_domain = reverse_path.rpartition("@")
    domain = to_a_labels(sender_domain if reverse_path else helo)
    address = parse_address(client_ip)
    if address is None or domain is None or not is_fully_qualified(domain):
        return SpfResult(
            "none", domain or "", scope, reason="no domain to check" if address else "no client address"
        )  # §4.3
    session = SpfEvaluation(address, helo, local if at and local else "postmaster", domain, limits, receiver, now)
    return (yield from _result(session, scope))


def check_helo(client_ip: str, helo: str, limits: LookupLimits = _DEFAULT_LIMITS) -> Evaluation[SpfResult]:
    """Check the HELO name alone (§2.3)."""
    return check_host(client_ip, helo, "", limits)


def _result(session: SpfEvaluation, scope: Scope) -> Evaluation[SpfResult]:
    try:
        outcome = yield from _check_domain(session, session.sender_domain)
    except (PermError, SpfSyntaxError) as error:
        outcome = _Outcome("permerror", reason=str(error))
    except TempError as error:
        outcome = _Outcome("temperror", reason=str(error))
    explanation_text = None
    if outcome.result == "fail" and outcome.explain is not None:
        explanation_text = yield from explanation(session, *outcome.explain)
    return SpfResult(
        outcome.result,
        session.sender_domain,
        scope,
        outcome.mechanism,
        outcome.path,
        tuple(session.tried),
        explanation_text,
        outcome.reason,
    )


def _check_domain(session: SpfEvaluation, domain: str) -> Generator[Asked, Answered, _Outcome]:
    """Evaluate the record of one domain, following redirects.

    It calls itself once for each include, and the number of includes is limited.
    """
    redirected: tuple[str, ...] = ()
    while True:
        record = yield from _fetch_record(domain)
        if record is None:
            return _no_record(domain, redirected)
        outcome = yield from _walk(session, record, domain)
        if outcome is not None:
            return outcome._replace(path=redirected + outcome.path)
        if record.redirect is None:
            return _Outcome("neutral", redirected, reason="no mechanism matched")  # §4.7
        redirected += (session.count(domain, f"redirect={record.redirect.text}"),)
        domain = yield from session.expand_domain(record.redirect, domain)


def _no_record(domain: str, redirected: tuple[str, ...]) -> _Outcome:
    if redirected:
        raise PermError(f"redirect leads to {domain}, which has no SPF record")  # §6.1
    return _Outcome("none", reason=f"{domain} has no SPF record")


def _fetch_record(domain: str) -> Generator[Asked, Answered, SpfRecord | None]:
    """Look up and select the record (§4.4 and §4.5)."""
    if not is_fully_qualified(domain):
        return None
    answer: Answer = single_answer((yield Question(domain, "TXT")))
    if answer.status == "temperror":
        raise TempError(f"no answer about TXT {domain}: {answer.source}")
    records = select_records(answer.records)
    if len(records) > 1:
        raise PermError(f"{domain} has {len(records)} SPF records")
    return parse_record(records[0]) if records else None


def _walk(session: SpfEvaluation, record: SpfRecord, domain: str) -> Generator[Asked, Answered, _Outcome | None]:
    """The result of the first mechanism that matches (§4.6.2)."""
    for mechanism in record.mechanisms:
        path = yield from _match_path(session, mechanism, domain)
        if path is not None:
            explain = (record.explanation, domain) if record.explanation is not None else None
            return _Outcome(mechanism.result, path, mechanism.text, explain)
    return None


def _match_path(
    session: SpfEvaluation, mechanism: SpfMechanism, domain: str
) -> Generator[Asked, Answered, tuple[str, ...] | None]:
    """The terms that make this mechanism match; None when it does not match."""
    if mechanism.kind == "include":
        return (yield from _include(session, mechanism, domain))
    matched = yield from matches(session, mechanism, domain)
    return (f"{domain}: {mechanism.text}",) if matched else None


def _include(
    session: SpfEvaluation, mechanism: SpfMechanism, domain: str
) -> Generator[Asked, Answered, tuple[str, ...] | None]:
    """Whether check_host() for the other domain passes, in which case an include matches (§5.2)."""
    term = session.count(domain, mechanism.text)
    if mechanism.target is None or session.is_unmatchable(mechanism.target):
        return None
    target = yield from session.expand_domain(mechanism.target, domain)
    inner = yield from _check_domain(session, target)
    if inner.result == "none":
        raise PermError(f"{domain} includes {target}, which has no SPF record")
    return (term, *inner.path) if inner.result == "pass" else None
