"""The settings of a client session."""

import enum

import msgspec

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.smtp.client.replies import ReplyLimits
from shared.protocol.smtp.client.timeouts import Timeouts


class TlsMode(enum.Enum):
    """What a session demands of TLS. With credentials OPPORTUNISTIC is REQUIRED: they never go in the clear."""

    NEVER = "never"  # STARTTLS is not used
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where it is offered; in the clear where it is not offered or is refused
    REQUIRED = "required"  # STARTTLS, or no mail
    ACTIVE = "active"  # the connection began with TLS (RFC 8314 §3.3)


class SessionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one session."""

    hello_name: str  # this host's domain or address literal, for EHLO
    tls: TlsMode = TlsMode.OPPORTUNISTIC
    credentials: ClientCredentials | None = None
    lmtp: bool = False  # LMTP (RFC 2033) instead of SMTP
    prefer_chunking: bool = False  # BDAT wherever it is offered with PIPELINING; else only where the message needs it
    chunk_size: int = 256 * 1024  # octets of a chunk, which are kept here until it is complete
    max_flight: int = 100  # commands that wait for a reply at the same time (RFC 2920)
    timeouts: Timeouts = Timeouts()
    reply_limits: ReplyLimits = ReplyLimits()
