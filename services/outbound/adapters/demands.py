"""Decides what a connection must prove: by the relay, by the sender's wish, and by what the destination publishes."""

from __future__ import annotations

from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.outcome import RecipientOutcome
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.sending import RelayUse
from services.outbound.domain.tls_demand import TlsDemand, TlsLevel


class TlsDemands:
    """The demands of an installation."""

    async def of(self, hop: NextHop, address: HopAddress, mail: ReadyMail) -> TlsDemand | RecipientOutcome:
        """The demand on a connection to an address, or why the address cannot be used."""
        relay = mail.sending.relay
        if relay is not None:
            return _of_relay(relay)
        if any(entry.queued.require_tls for entry in mail.entries):
            names = (address.host,)
            return TlsDemand(TlsLevel.VERIFIED, names, policy="REQUIRETLS", authenticated_by="web-pki")
        return TlsDemand(policy="opportunistic")


def _of_relay(relay: RelayUse) -> TlsDemand:
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
