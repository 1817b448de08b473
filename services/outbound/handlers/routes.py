"""Finds the next hop of a mail: the relay of its sending domain, or the mail servers of its recipients' domain.

The route is chosen at each attempt and never stored with an entry, so a changed relay or MX record is used at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from services.outbound.domain.exchangers import exchangers_of, relay_hosts
from services.outbound.domain.next_hop import HopRules, NextHop, next_hop, relay_hop
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import HopLimits, ReadyMail
from services.outbound.domain.sending import RelayUse, Sending
from shared.dns.resolver import Resolver
from shared.protocol.address.domain import AddressError, parse_domain
from shared.secrets import SecretsError

SendingOf = Callable[[str], Awaitable[Sending]]
"""Asks the directory how a domain of ours sends. Raises ServiceError."""


class Route(msgspec.Struct, frozen=True):
    """The next hop of a mail, with its limits and how the sending domain sends."""

    hop: NextHop
    limits: HopLimits
    sending: Sending


class Routes:
    """Chooses next hops."""

    def __init__(
        self,
        sending_of: SendingOf,
        resolver: Resolver,
        rules: Callable[[], HopRules],
        limits: HopLimits,
        seed: Callable[[], int],
    ) -> None:
        self._sending_of = sending_of
        self._resolver = resolver
        self._rules = rules
        self._limits = limits
        self._seed = seed

    async def of(self, mail: ReadyMail) -> Route | RecipientOutcome:
        """The route of a mail, or the outcome for its recipients when there is none. Raises ServiceError.

        Mail with the null reverse-path goes directly where the relay does not take it.
        """
        try:
            sending = await self._sending_of(mail.sending_domain)
        except SecretsError as error:
            return RecipientOutcome(SendingResult.DEFERRED, "4.3.5", str(error), Cause.OURS)
        relay = sending.relay
        if relay is not None and not relay.takes_null_reverse_path and not mail.entries[0].queued.reverse_path:
            relay, sending = None, msgspec.structs.replace(sending, relay=None)
        hop = await (self._to_relay(relay) if relay is not None else self._to_domain(mail.domain))
        if isinstance(hop, RecipientOutcome):
            return hop
        return Route(hop, self._limits if relay is None else _limits_of(relay, self._limits), sending)

    async def _to_relay(self, relay: RelayUse) -> NextHop | RecipientOutcome:
        exchangers, _ = await self._resolver.drive(relay_hosts(relay.host))
        if isinstance(exchangers, RecipientOutcome):
            return exchangers
        return relay_hop(exchangers, relay.port, self._rules())

    async def _to_domain(self, domain: str) -> NextHop | RecipientOutcome:
        try:
            name = domain if domain.startswith("[") else parse_domain(domain)
        except AddressError as error:
            return RecipientOutcome(SendingResult.REFUSED, "5.1.2", f"{domain} is not a domain: {error}")
        exchangers, _ = await self._resolver.drive(exchangers_of(name))
        if isinstance(exchangers, RecipientOutcome):
            return exchangers
        return next_hop(exchangers, self._rules(), self._seed())


def _limits_of(relay: RelayUse, limits: HopLimits) -> HopLimits:
    return HopLimits(relay.most_at_once or limits.most_at_once, relay.per_minute)
