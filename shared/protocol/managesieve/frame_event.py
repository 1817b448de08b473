"""The events of the framer, and its limits."""

from __future__ import annotations

import msgspec


class ManageSieveLimits(msgspec.Struct, frozen=True):
    """The limits of the framer, in octets."""

    line: int = 8192
    """One line without its literals. A quoted string has up to 1024 characters (RFC 5804 §4)."""
    literal: int = 1 << 18
    """One literal."""
    arguments: int = 4
    """Arguments of a command; no command has more than two."""
    swallow: int = 1 << 22
    """How much of a refused command is skipped, to stay synchronised with the client; beyond it the connection ends."""


UNAUTHENTICATED = ManageSieveLimits(line=4096, literal=16_384, swallow=65_536)
"""Limits before log-in. They suffice for every command that is allowed then, with the longest SASL response."""


class ReceivedCommand(msgspec.Struct, frozen=True):
    """A complete command: its name in upper case, and its arguments. Strings are octets, numbers are numbers."""

    name: str
    arguments: tuple[bytes | int, ...] = ()


class ReceivedString(msgspec.Struct, frozen=True):
    """The string that `expect_string` requested: a response of a SASL exchange (RFC 5804 §2.1)."""

    octets: bytes


class RefusedInput(msgspec.Struct, frozen=True):
    """A line that is no command; answer NO with the text. The stream goes on after it."""

    text: str
    code: bytes = b""


class LostStream(msgspec.Struct, frozen=True):
    """The client sends more than may be skipped; answer BYE with the text and close. No event follows."""

    text: str


ManageSieveEvent = ReceivedCommand | ReceivedString | RefusedInput | LostStream
