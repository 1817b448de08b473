"""What the sink takes at most."""

from __future__ import annotations

import msgspec

_MIB = 1024 * 1024


class SinkLimits(msgspec.Struct, frozen=True):
    """Limits of the sink. A mail is in memory while it is taken, so all mails together are limited too."""

    message_octets: int = 32 * _MIB
    at_once_octets: int = 128 * _MIB
    """Octets of all mails that are being taken."""
    connections: int = 100
    recipients: int = 1000
    reserve_octets: int = 256 * _MIB
    """Free disk space below which no mail is taken."""
    idle_seconds: float = 300.0
    """After this time a connection without a command, or a message that is not complete, is closed."""
