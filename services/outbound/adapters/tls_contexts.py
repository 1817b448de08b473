"""The TLS contexts of connections to other servers, and the comparison of certificates with TLSA records."""

from __future__ import annotations

import ssl
from pathlib import Path

from services.outbound.adapters.connections import TlsContexts
from services.outbound.adapters.tls_faults import TlsFault, dane_fault
from services.outbound.domain.tls_demand import TlsDemand
from shared.clock import Clock
from shared.protocol.dane.verify import DaneResult, verify_chain
from shared.tls.client import client_context
from shared.tls.issue import moment
from shared.tls.presented import presented_chain
from shared.tls.versions import TlsMinimum


def contexts_for(minimum: TlsMinimum, clock: Clock, authority: Path | None = None) -> TlsContexts:
    """Contexts that verify where a demand says so.

    `authority` is a file of certificates that are trusted besides those of the machine; for installations with an
    authority of their own.
    """
    unverified = client_context(verify=False, minimum=minimum)
    verified = verifying_context(minimum, authority)

    def of(demand: TlsDemand) -> ssl.SSLContext:
        return verified if demand.is_verified and not demand.tlsa else unverified

    def verify(demand: TlsDemand, tls: ssl.SSLObject) -> TlsFault | None:
        if not demand.is_verified or not demand.tlsa:
            return None
        verdict = verify_chain(demand.tlsa, presented_chain(tls), demand.names, moment(clock.now()))
        return None if verdict.result is DaneResult.MATCH else dane_fault(verdict.result, verdict.text)

    return TlsContexts(of, verify)


def verifying_context(minimum: TlsMinimum, authority: Path | None = None) -> ssl.SSLContext:
    """A context that trusts the authorities of the machine, and those in a file."""
    context = client_context(minimum=minimum)
    if authority is not None:
        context.load_verify_locations(cafile=str(authority))
    return context
