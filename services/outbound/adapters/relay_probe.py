"""Tries a relay: connects as for mail, with TLS and log-in, and sends none."""

from __future__ import annotations

from services.outbound.adapters.connections import ConnectionKey, Connections, NotOpened
from services.outbound.adapters.demands import demand_on_relay
from services.outbound.adapters.sending_directory import SendingDirectory
from services.outbound.domain.exchangers import relay_hosts
from services.outbound.domain.next_hop import HopAddress, HopRules, relay_hop
from services.outbound.domain.outcome import RecipientOutcome
from services.outbound.domain.relay_trial import RelayTrial
from services.outbound.domain.reply_meaning import failure_of
from services.outbound.domain.sending import RelayUse
from shared.dns.resolver import Resolver
from shared.secrets import SecretsError

_MOST_ADDRESSES = 3


class RelayProbe:
    """Tries relays as they are configured at this moment."""

    def __init__(self, directory: SendingDirectory, resolver: Resolver, connections: Connections) -> None:
        self._directory = directory
        self._resolver = resolver
        self._connections = connections

    async def probe(self, domain: str) -> RelayTrial:
        """Try the relay of a domain. Raises ServiceError when the directory does not answer."""
        self._directory.forget()
        try:
            relay = (await self._directory.of(domain)).relay
        except SecretsError as error:
            return RelayTrial(works=False, text=str(error), stage="secrets")
        if relay is None:
            return RelayTrial(works=False, text="there is no relay: mail goes to the MX hosts", stage="directory")
        exchangers, _ = await self._resolver.drive(relay_hosts(relay.host))
        if isinstance(exchangers, RecipientOutcome):
            return RelayTrial(works=False, host=relay.host, text=exchangers.reason, stage="dns")
        hop = relay_hop(exchangers, relay.port, HopRules())
        if isinstance(hop, RecipientOutcome):
            return RelayTrial(works=False, host=relay.host, text=hop.reason, stage="dns")
        trial = RelayTrial(works=False, host=relay.host, text="the relay has no address", stage="dns")
        for address in hop.addresses[:_MOST_ADDRESSES]:
            trial = await self._try_address(relay, address)
            if trial.works:
                break
        return trial

    async def _try_address(self, relay: RelayUse, address: HopAddress) -> RelayTrial:
        demand = demand_on_relay(relay)
        key = ConnectionKey(address.address, address.port, demand, relay.credentials.name if relay.credentials else "")
        try:
            opened = await self._connections.open(key, address, relay.credentials)
        except (OSError, TimeoutError) as error:
            text = "no connection in time" if isinstance(error, TimeoutError) else (error.strerror or str(error))
            return RelayTrial(works=False, host=relay.host, address=address.address, text=text, stage="connect")
        if isinstance(opened, NotOpened):
            failed = opened.failed
            text = failure_of(failed).reason
            return RelayTrial(
                works=False, host=relay.host, address=address.address, text=text, stage=failed.stage.value
            )
        mechanism = (opened.ready.mechanism if opened.ready else None) or ""
        await opened.close()
        return RelayTrial(True, relay.host, address.address, opened.tls, mechanism)
