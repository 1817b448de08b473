"""What a handshake came to: for the Received header (RFC 3848, RFC 8314 §4.3), the session's events and the log."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsHandshake:
    """`version` as OpenSSL names it (TLSv1.3), the cipher suite's name, and its strength in bits."""

    version: str
    cipher: str
    bits: int


def describe(ssl_object: ssl.SSLObject | ssl.SSLSocket) -> TlsHandshake:
    """The events of a finished handshake (asyncio: `transport.get_extra_info("ssl_object")`); raises ValueError before
    it.
    """
    version, cipher = ssl_object.version(), ssl_object.cipher()
    if version is None or cipher is None:
        raise ValueError("no TLS handshake has been made")
    name, _, bits = cipher
    return TlsHandshake(version, name, bits)
