"""The settings of a session."""

import enum

import msgspec

from shared.protocol.smtp.body import BareNewline


class Port(enum.Enum):
    """The purpose of a listener."""

    RELAY = "relay"  # 25: mail from other servers (RFC 5321)
    SUBMISSION = "submission"  # 587 and 465: mail from users, who must authenticate (RFC 6409 §4.3, RFC 8314)


class FutureRelease(msgspec.Struct, frozen=True):
    """What FUTURERELEASE offers (RFC 4865 §4)."""

    interval: int  # the longest HOLDFOR, in seconds
    until: str  # the latest HOLDUNTIL, a date-time of RFC 3339


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one session. AUTH is offered only under TLS."""

    hostname: str  # the server's name in the greeting, EHLO, and as the domain of <Postmaster>
    port: Port
    banner: str = "Mailfold"
    session_id: str | None = None  # used to compute the references of refusals; None: refusals have no reference
    tls_offered: bool = False  # STARTTLS
    tls_active: bool = False  # from the first octet (RFC 8314 §3.3)
    mechanisms: tuple[str, ...] = ()  # of SASL, in upper case
    smtputf8: bool = True
    chunking: bool = True  # BDAT, and with it BINARYMIME
    require_tls: bool = True  # REQUIRETLS, which is offered only under TLS (RFC 8689 §2)
    future_release: FutureRelease | None = None  # FUTURERELEASE; None: it is not offered
    bare_newline: BareNewline = BareNewline.REFUSE
    max_message_size: int = 100 * 1024 * 1024  # octets
    max_recipients: int = 1000  # of a transaction; RFC 5321 §4.5.3.1.8 asks for 100 at least
    enforce_sync: bool = False  # refuse input after a command that must be the last of its group (RFC 2920 §3.1)
    max_bad_commands: int = 20  # since the last accepted message; the next one is answered 421
    max_idle_commands: int = 1000  # NOOP, RSET, VRFY … since the last accepted message; the next one is answered 421

    def with_message_size(self, octets: int) -> "SessionConfig":
        """The same settings with a maximum message size of at most so many octets."""
        return msgspec.structs.replace(self, max_message_size=min(octets, self.max_message_size))
