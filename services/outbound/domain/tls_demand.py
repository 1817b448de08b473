"""What a connection must prove before mail is sent over it."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from shared.protocol.dane.records import TlsaRecord


class TlsLevel(IntEnum):
    """How much is asked of TLS; a higher level includes the lower ones."""

    NEVER = 0
    OPPORTUNISTIC = 1
    """TLS where it is offered, without a look at the certificate; in the clear where it fails."""
    ENCRYPTED = 2
    """TLS, without a look at the certificate."""
    VERIFIED = 3
    """TLS with a certificate that proves the name, or matches a TLSA record."""


class TlsDemand(msgspec.Struct, frozen=True):
    """What is asked of a connection, and by which policy."""

    level: TlsLevel = TlsLevel.OPPORTUNISTIC
    names: tuple[str, ...] = ()
    """The certificate must be valid for one of these names; the first is sent as SNI."""
    tlsa: tuple[TlsaRecord, ...] = ()
    """The certificate must match one of these records; the public authorities are not asked then."""
    policy: str = ""
    """The policy and its inputs, for people."""
    is_implicit: bool = False
    """Whether TLS begins with the connection (RFC 8314)."""
    authenticated_by: str = ""
    """What a successful verification is called: `dane`, `mta-sts` or `web-pki`."""

    @property
    def is_verified(self) -> bool:
        """Whether the certificate is looked at."""
        return self.level is TlsLevel.VERIFIED
