"""The certificates that the other side of a TLS connection presented, verified or not."""

from __future__ import annotations

import ssl
from typing import Any

_DER = 2
"""`_ssl.ENCODING_DER`."""


def presented_chain(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates in DER, the peer's own first; empty before the handshake.

    Python has a public method since 3.13; before that its C object has the same. Where neither exists, the peer's own
    certificate is all that can be had.
    """
    source: Any = tls if hasattr(tls, "get_unverified_chain") else getattr(tls, "_sslobj", None)
    if hasattr(source, "get_unverified_chain"):
        return [_octets(certificate) for certificate in source.get_unverified_chain() or ()]
    own = tls.getpeercert(binary_form=True)
    return [own] if own else []


def _octets(certificate: Any) -> bytes:
    return certificate if isinstance(certificate, bytes) else bytes(certificate.public_bytes(_DER))
