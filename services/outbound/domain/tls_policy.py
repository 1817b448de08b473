"""Decides what a connection to a host must prove: DANE first, then MTA-STS, then what the sender or operator asks."""

from __future__ import annotations

import msgspec

from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.sts import PolicyInForce
from services.outbound.domain.tls_demand import HostSkipped, TlsDemand, TlsLevel
from services.outbound.domain.tls_rules import WORDS
from shared.protocol.dane.lookup import DaneHost, DaneUse
from shared.protocol.mta_sts.policy import StsPolicy, matching_pattern

NO_POLICY = "no-policy-found"


class PolicyInputs(msgspec.Struct, frozen=True):
    """What a decision is based on."""

    host: str
    domain: str
    """The domain of the recipients."""
    is_named_securely: bool = False
    """Whether a validated answer names the host as a mail server of the domain."""
    require_tls: bool = False
    """REQUIRETLS of the sender (RFC 8689)."""
    is_tls_optional: bool = False
    """`TLS-Required: No` of the sender, which switches off what the destination publishes."""
    rule: TlsLevel | None = None
    """The operator's setting for the domain."""
    dane: DaneHost | None = None
    """None: DANE was not asked about, because the resolver does not validate."""
    sts: PolicyInForce | None = None
    """None: MTA-STS was not asked about."""


def demand_on(inputs: PolicyInputs) -> TlsDemand | HostSkipped:
    """The demand on a connection, or why the host cannot be used now.

    A setting of the operator may raise what DANE and MTA-STS ask, and never lowers it.
    """
    published = _published(inputs)
    if isinstance(published, HostSkipped):
        return published
    if inputs.require_tls:
        return _required(inputs, published)
    return _with_rule(inputs, published)


def _published(inputs: PolicyInputs) -> TlsDemand | HostSkipped:
    """What the destination itself asks."""
    if inputs.is_tls_optional and not inputs.require_tls:
        return TlsDemand(policy="TLS-Required: No")
    dane = inputs.dane
    if dane is not None and dane.use is not DaneUse.NONE:
        return _by_dane(inputs, dane)
    text = f"dane: {dane.text}" if dane is not None else "dane: off"
    return _by_sts(inputs, inputs.sts or PolicyInForce(), text)


def _by_dane(inputs: PolicyInputs, dane: DaneHost) -> TlsDemand | HostSkipped:
    text = f"dane: {dane.text}"
    match dane.use:
        case DaneUse.UNANSWERED:
            return skipped("4.4.3", inputs, text, "tlsa", "dnssec-invalid")
        case DaneUse.UNUSABLE:
            return TlsDemand(TlsLevel.ENCRYPTED, (dane.base,), policy=text, policy_type="tlsa", problem="tlsa-invalid")
        case _:
            names = tuple(dict.fromkeys((dane.base, inputs.host, inputs.domain)))  # RFC 7672 §3.2.3
            return TlsDemand(TlsLevel.VERIFIED, names, dane.records, text, authenticated_by="dane", policy_type="tlsa")


def _by_sts(inputs: PolicyInputs, sts: PolicyInForce, text: str) -> TlsDemand | HostSkipped:
    if sts.is_unanswered:
        return skipped("4.4.3", inputs, f"{text}; mta-sts: {sts.reason}", "sts", "sts-policy-fetch-error")
    policy = sts.policy
    if policy is None and sts.problem:
        return TlsDemand(policy=f"{text}; mta-sts: {sts.reason}", policy_type="sts", problem=sts.problem)
    if policy is None or policy.mode == "none":
        return TlsDemand(policy=f"{text}; no mta-sts policy", policy_type=NO_POLICY)
    return _by_policy(inputs, policy, f"mta-sts {policy.mode} id={sts.id}")


def _by_policy(inputs: PolicyInputs, policy: StsPolicy, text: str) -> TlsDemand | HostSkipped:
    pattern = matching_pattern(policy, inputs.host)
    is_test = policy.mode == "testing"
    if pattern is None:
        text = f"{text}: {inputs.host} is none of {', '.join(policy.mx[:10])[:300]}"
        if is_test:
            return TlsDemand(policy=text, policy_type="sts", problem="validation-failure")
        return skipped("4.7.5", inputs, text, "sts", "validation-failure")
    return TlsDemand(
        TlsLevel.VERIFIED,
        (inputs.host,),
        policy=f"{text} mx {pattern}",
        authenticated_by="mta-sts",
        policy_type="sts",
        fallback=TlsLevel.OPPORTUNISTIC if is_test else None,
    )


def _required(inputs: PolicyInputs, published: TlsDemand) -> TlsDemand | HostSkipped:
    """REQUIRETLS: the host must be named by a validated answer or by MTA-STS, and be verified (RFC 8689 §4.2.1)."""
    text = f"REQUIRETLS; {published.policy}"
    if published.is_verified:
        return msgspec.structs.replace(published, policy=text, fallback=None)
    if not inputs.is_named_securely:
        text = f"{text}; neither DNSSEC nor MTA-STS names {inputs.host} as a mail server"
        return skipped("4.7.30", inputs, text, "", "")
    return _verified(published, inputs.host, text)


def _with_rule(inputs: PolicyInputs, published: TlsDemand) -> TlsDemand:
    rule = inputs.rule
    if rule is None or (published.is_verified and published.fallback is None):
        return published
    text = f"outbound.tls {inputs.domain}={WORDS[rule]}; {published.policy}"
    if rule is TlsLevel.VERIFIED:
        if published.is_verified:
            return msgspec.structs.replace(published, policy=text, fallback=None)
        return _verified(published, inputs.host, text)
    if published.fallback is not None:
        return msgspec.structs.replace(published, policy=text, fallback=max(rule, published.fallback))
    if published.level is TlsLevel.OPPORTUNISTIC:
        kind = published.policy_type if rule is not TlsLevel.NEVER else ""
        return msgspec.structs.replace(published, level=rule, policy=text, policy_type=kind)
    return published


def _verified(published: TlsDemand, host: str, text: str) -> TlsDemand:
    return msgspec.structs.replace(
        published, level=TlsLevel.VERIFIED, names=(host,), policy=text, authenticated_by="web-pki"
    )


def skipped(status: str, inputs: PolicyInputs, text: str, policy_type: str, problem: str) -> HostSkipped:
    """A host that is not used now: a fault on the way that never bounces mail before its age ends."""
    reason = f"{inputs.host} is not used: {text}"
    outcome = RecipientOutcome(SendingResult.DEFERRED, status, reason, Cause.OURS)
    return HostSkipped(outcome, TlsDemand(policy=text, policy_type=policy_type, problem=problem))
