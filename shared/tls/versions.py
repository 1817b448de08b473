"""The TLS versions that an operator may choose as the minimum, and the ciphers of each."""

import ssl
import warnings
from typing import Final, Literal

TlsMinimum = Literal["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

DEFAULT_MINIMUM: Final[TlsMinimum] = (
    "TLSv1.2"  # RFC 8996: TLS 1.0 and 1.1 MUST NOT be used, unless the operator knows better.
)

_VERSIONS: Final[dict[str, ssl.TLSVersion]] = {
    "TLSv1.0": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}

# RFC 9325 §4.2: only forward secrecy and AEAD. All suites of TLS 1.3 have both.
MODERN_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
# OpenSSL 3 allows TLS 1.0 and 1.1 only at security level 0, because their handshake signs with SHA-1.
LEGACY_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:RSA+AES:!aNULL:!eNULL:@SECLEVEL=0"


def set_minimum(context: ssl.SSLContext, minimum: TlsMinimum) -> None:
    """Allow `minimum` and newer versions in `context`, with suitable ciphers."""
    version = _VERSIONS[minimum]
    context.set_ciphers(MODERN_CIPHERS if version >= ssl.TLSVersion.TLSv1_2 else LEGACY_CIPHERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # lowered on purpose
        context.minimum_version = version
