"""The properties of a TLS handshake, for the Received field (RFC 3848, RFC 8314 §4.3), events and the log."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsHandshake:
    """The result of a handshake.

    `version` is OpenSSL's name (TLSv1.3); then follow the cipher suite and its strength in bits.
    """

    version: str
    cipher: str
    bits: int


def describe(ssl_object: ssl.SSLObject | ssl.SSLSocket) -> TlsHandshake:
    """The properties of a finished handshake.

    The object comes from asyncio's `transport.get_extra_info("ssl_object")`. Raises ValueError before the handshake.
    """
    version, cipher = ssl_object.version(), ssl_object.cipher()
    if version is None or cipher is None:
        raise ValueError("no TLS handshake has been made")
    name, _, bits = cipher
    return TlsHandshake(version, name, bits)
