"""Commands that change the connection itself."""

from shared.protocol.imap.commands import Command


class Compress(Command, frozen=True):
    """COMPRESS (RFC 4978); the mechanism in upper case."""

    mechanism: str


class UnAuthenticate(Command, frozen=True):
    """UNAUTHENTICATE (RFC 8437)."""
