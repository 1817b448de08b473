"""Gathers what decides about TLS: the relay, what the destination publishes, and what sender and operator ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.sending import RelayUse
from services.outbound.domain.sts import PolicyInForce
from services.outbound.domain.tls_demand import HostSkipped, TlsDemand, TlsLevel
from services.outbound.domain.tls_policy import PolicyInputs, demand_on
from services.outbound.domain.tls_rules import TlsRules
from shared.dns.resolver import Resolver
from shared.protocol.dane.lookup import DaneUse, MailHost, dane_at
from shared.protocol.dns.names import to_a_labels
from shared.protocol.mta_sts.policy import matching_pattern


class Policies(Protocol):
    """Knows the MTA-STS policies of domains."""

    async def of(self, domain: str) -> PolicyInForce:
        """The policy of a domain."""

    async def look_again(self, domain: str) -> PolicyInForce:
        """The policy after another look at the id in the DNS."""


class TlsDemands:
    """The demands of an installation."""

    def __init__(
        self, resolver: Resolver, believes_dnssec: Callable[[], Awaitable[bool]], policies: Policies, rules: TlsRules
    ) -> None:
        """`believes_dnssec` says whether the resolver is proven to validate."""
        self._resolver = resolver
        self._believes_dnssec = believes_dnssec
        self._policies = policies
        self._rules = rules

    async def of(
        self, hop: NextHop, address: HopAddress, mail: ReadyMail, *, is_tls_optional: bool
    ) -> TlsDemand | HostSkipped:
        """The demand on a connection to an address, or why the address cannot be used."""
        relay = mail.sending.relay
        if relay is not None:
            return demand_on_relay(relay)
        domain = to_a_labels(mail.domain) or mail.domain  # hop.domain may be another domain with the same hosts
        inputs = PolicyInputs(
            address.host.lower(),
            domain,
            require_tls=any(entry.queued.require_tls for entry in mail.entries),
            is_tls_optional=is_tls_optional,
            rule=self._rules.of(domain),
        )
        if domain.startswith("[") or (is_tls_optional and not inputs.require_tls):
            return demand_on(inputs)
        return await self._published(inputs, address)

    async def _published(self, inputs: PolicyInputs, address: HopAddress) -> TlsDemand | HostSkipped:
        """The demand after DANE, and MTA-STS where DANE does not apply, were asked about."""
        change = msgspec.structs.replace
        if await self._believes_dnssec():
            host = MailHost(
                inputs.host, address.port, address.is_named_securely, address.is_secure, address.target.lower()
            )
            dane, _ = await self._resolver.drive(dane_at(host))
            inputs = change(inputs, dane=dane, is_named_securely=address.is_named_securely)
            if dane.use is not DaneUse.NONE:
                return demand_on(inputs)
        sts = await self._policies.of(inputs.domain)
        if sts.policy is not None and sts.policy.mode != "none" and matching_pattern(sts.policy, inputs.host) is None:
            sts = await self._policies.look_again(inputs.domain)
        return demand_on(change(inputs, sts=sts))


def demand_on_relay(relay: RelayUse) -> TlsDemand:
    """A relay is verified by the public authorities, unless it was configured without TLS."""
    if relay.tls == "none":
        return TlsDemand(TlsLevel.NEVER, policy="relay without TLS")
    return TlsDemand(
        TlsLevel.VERIFIED,
        (relay.host,),
        policy="relay",
        is_implicit=relay.tls == "implicit",
        authenticated_by="web-pki",
    )
