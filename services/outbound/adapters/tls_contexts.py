"""The TLS contexts of connections to other servers."""

from __future__ import annotations

import ssl
from pathlib import Path

from services.outbound.adapters.connections import TlsContexts
from services.outbound.domain.tls_demand import TlsDemand
from shared.tls.client import client_context
from shared.tls.versions import TlsMinimum


def contexts_for(minimum: TlsMinimum, authority: Path | None = None) -> TlsContexts:
    """Contexts that verify where a demand says so.

    `authority` is a file of certificates that are trusted besides those of the machine; for installations with an
    authority of their own.
    """
    unverified = client_context(verify=False, minimum=minimum)
    verified = client_context(minimum=minimum)
    if authority is not None:
        verified.load_verify_locations(cafile=str(authority))

    def of(demand: TlsDemand) -> ssl.SSLContext:
        return verified if demand.is_verified else unverified

    def verify(_demand: TlsDemand, _tls: ssl.SSLObject) -> str:
        return ""

    return TlsContexts(of, verify)
