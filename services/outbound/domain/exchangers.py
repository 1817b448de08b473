"""Asks the DNS which hosts take the mail of a domain, and at which addresses (RFC 5321 §5.1)."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import msgspec

from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from shared.protocol.dns.evaluation import Evaluation, several, single_answer
from shared.protocol.dns.question import Answer, Question

_MOST_HOSTS = 20
_MOST_ADDRESSES = 16


class Exchanger(msgspec.Struct, frozen=True):
    """One host that takes mail, with its addresses."""

    name: str
    preference: int = 0
    ipv6: tuple[str, ...] = ()
    ipv4: tuple[str, ...] = ()
    is_unanswered: bool = False
    """Whether the DNS gave no usable answer about an address."""
    is_secure: bool = False
    """Whether the MX answer and one of the address answers are validated by DNSSEC (RFC 7672 §2.2.2)."""
    target: str = ""
    """The name at the end of the host's CNAME chain."""
    is_named_securely: bool = False
    """Whether the MX answer is validated, or the denial of one is."""


class Exchangers(msgspec.Struct, frozen=True):
    """The hosts of a domain, by preference."""

    domain: str
    hosts: tuple[Exchanger, ...]
    is_implicit: bool = False
    """Whether the domain has no MX record, so that its own address is used."""


def exchangers_of(domain: str) -> Evaluation[Exchangers | RecipientOutcome]:
    """The hosts of a domain, or the outcome for its recipients when there is none.

    Only an answer that no record exists counts as none; silence and failures of the DNS defer.
    """
    if domain.startswith("["):
        return _literal(domain)
    answer = single_answer((yield Question(domain, "MX")))
    match answer.status:
        case "temperror":
            return _deferred(f"the mail servers of {domain} cannot be looked up now: {answer.source}")
        case "nxdomain":
            return _refused("5.1.2", f"the domain {domain} does not exist")
        case "nodata":
            listed: list[tuple[int, str]] = [(0, domain)]
        case "ok":
            listed = _hosts(answer)
            if len(listed) == 1 and listed[0][1] == ".":
                return _refused("5.1.10", f"the domain {domain} accepts no mail (RFC 7505)")
    named = [(preference, name) for preference, name in listed if name != "."][:_MOST_HOSTS]
    questions = tuple(Question(name, kind) for _, name in named for kind in ("AAAA", "A"))
    answers = several((yield questions))
    hosts = tuple(
        _exchanger(preference, name, answers[2 * at], answers[2 * at + 1], mx=answer)
        for at, (preference, name) in enumerate(named)
    )
    return Exchangers(domain, hosts, is_implicit=answer.status == "nodata")


def relay_hosts(name: str) -> Evaluation[Exchangers | RecipientOutcome]:
    """The addresses of a relay's host, which may be an IP address."""
    with suppress(ValueError):
        address = ip_address(name.strip("[]"))
        return _literal(f"[{'IPv6:' if address.version == 6 else ''}{address}]")
    ipv6, ipv4 = several((yield (Question(name, "AAAA"), Question(name, "A"))))
    return Exchangers(name, (_exchanger(0, name, ipv6, ipv4, mx=None),))


def _hosts(answer: Answer) -> list[tuple[int, str]]:
    hosts = set()
    for record in answer.records:
        preference, _, name = record.partition(" ")
        if preference.isdigit() and name:
            hosts.add((int(preference), name.lower()))
    return sorted(hosts)


def _exchanger(preference: int, name: str, ipv6: Answer, ipv4: Answer, mx: Answer | None) -> Exchanger:
    return Exchanger(
        name,
        preference,
        ipv6.records[:_MOST_ADDRESSES] if ipv6.status == "ok" else (),
        ipv4.records[:_MOST_ADDRESSES] if ipv4.status == "ok" else (),
        "temperror" in (ipv6.status, ipv4.status),
        (mx is None or mx.authenticated) and (ipv6.authenticated or ipv4.authenticated),
        ipv4.canonical_name or ipv6.canonical_name,
        mx is not None and mx.authenticated,
    )


def _literal(domain: str) -> Exchangers:
    address = domain.strip("[]")
    if address.lower().startswith("ipv6:"):
        return Exchangers(domain, (Exchanger(domain, ipv6=(address[5:],)),))
    return Exchangers(domain, (Exchanger(domain, ipv4=(address,)),))


def _deferred(reason: str) -> RecipientOutcome:
    return RecipientOutcome(SendingResult.DEFERRED, "4.4.3", reason, Cause.OURS)


def _refused(status: str, reason: str) -> RecipientOutcome:
    return RecipientOutcome(SendingResult.REFUSED, status, reason, Cause.RECIPIENT)
