"""What a connection must prove before mail is sent over it."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from services.outbound.domain.outcome import RecipientOutcome
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
    policy_type: str = ""
    """How the connection is counted: `tlsa`, `sts` or `no-policy-found` (RFC 8460 §4.4); empty: not at all."""
    problem: str = ""
    """The result type of a problem that was found before the connection (RFC 8460 §4.3), such as `tlsa-invalid`."""
    fallback: TlsLevel | None = None
    """What is asked instead after TLS failed, in a second connection; None: nothing less will do."""

    @property
    def is_verified(self) -> bool:
        """Whether the certificate is looked at."""
        return self.level is TlsLevel.VERIFIED

    def second_demand(self) -> TlsDemand | None:
        """The demand on a second connection after TLS failed on the first; None when nothing less will do.

        The second connection is not counted: the failure was.
        """
        if self.level is TlsLevel.OPPORTUNISTIC:
            return TlsDemand(TlsLevel.NEVER, policy=f"{self.policy}; in the clear, because TLS failed")
        if self.fallback is None:
            return None
        names = self.names if self.fallback >= TlsLevel.ENCRYPTED else ()
        return TlsDemand(self.fallback, names, policy=f"{self.policy}; sent all the same")


class HostSkipped(msgspec.Struct, frozen=True):
    """A host that a policy forbids to use now."""

    outcome: RecipientOutcome
    """The outcome for the recipients when no other host takes the mail."""
    demand: TlsDemand
    """The policy, for the record."""
