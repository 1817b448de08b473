"""The results of SPF, DKIM and DMARC in the form of Authentication-Results (RFC 8601 §2.7)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.protocol.authres.field import MethodResult
from shared.protocol.dkim.result import DkimResult
from shared.protocol.dmarc.record import Policy
from shared.protocol.dmarc.result import DmarcResult
from shared.protocol.spf.result import SpfResult


def spf_result(verdict: SpfResult, identity: str) -> MethodResult:
    """The result of SPF. `identity` is the reverse-path, or the HELO name when that is null (§2.7.2)."""
    name = "smtp.mailfrom" if verdict.scope == "mfrom" else "smtp.helo"
    return MethodResult("spf", verdict.result, verdict.reason, ((name, identity or verdict.domain),))


def dkim_results(verdicts: Sequence[DkimResult]) -> tuple[MethodResult, ...]:
    """The result of each signature; `dkim=none` without any (§2.7.1)."""
    if not verdicts:
        return (MethodResult("dkim", "none"),)
    return tuple(_dkim_result(verdict) for verdict in verdicts)


def dmarc_result(verdict: DmarcResult, disposition: Policy | None = None) -> MethodResult:
    """The result of DMARC. `disposition` is the policy that applies (RFC 7489 §11.1)."""
    properties = (("header.from", verdict.author_domain), ("policy.dmarc", disposition or ""))
    return MethodResult("dmarc", verdict.result, verdict.reason, properties)


def _dkim_result(verdict: DkimResult) -> MethodResult:
    properties = (
        ("header.d", verdict.domain),
        ("header.i", verdict.identity),
        ("header.s", verdict.selector),
        ("header.a", verdict.algorithm),
        ("header.b", verdict.signature_prefix),  # RFC 6008
    )
    return MethodResult("dkim", verdict.result, verdict.reason, properties)
