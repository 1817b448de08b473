"""The events of the framer, and its limits."""

from typing import Literal

import msgspec


class FrameLimits(msgspec.Struct, frozen=True):
    """The limits of the framer, in octets."""

    line: int = 65_536
    """One line without its literals. RFC 7162 §4 requires at least 8192."""
    literal: int = 65_536
    """One literal that is an ordinary argument."""
    command: int = 262_144
    """All lines and literals of a command together, without streamed literals."""
    swallow: int = 134_217_728
    """How much of a refused command is skipped, to stay synchronised with the client; beyond it the connection ends."""


BEFORE_LOGIN = FrameLimits(line=40_960, literal=8_192, command=49_152, swallow=65_536)
"""Limits before log-in. They suffice for LOGIN, the tokens of AUTHENTICATE, and the largest ID: 30 fields with names of
30 and values of 1024 octets (RFC 2971 §3.3)."""
AFTER_LOGIN = FrameLimits()


class CommandReceived(msgspec.Struct, frozen=True):
    """A complete command for `parse_command`: lines and literals together, without the last CRLF.

    A literal is contained as on the wire: `{5}`, CRLF and five octets. Every line break outside literals follows such a
    marker.
    """

    data: bytes


class NeedContinuation(msgspec.Struct, frozen=True):
    """The client waits before it sends a literal of `size` octets; answer `+ ...` (RFC 3501 §7.5)."""

    size: int


class AppendLiteral(msgspec.Struct, frozen=True):
    """A message of an APPEND is announced. Call `accept_literal()` or `refuse(...)` before asking for the next event.

    When `first`, `head` is the command up to the marker of the literal, for `parse_append`; otherwise it is the text
    between two messages of a MULTIAPPEND, for `parse_append_message`. When `waiting`, an acceptance must also be
    answered with `+ ...`.
    """

    head: bytes
    size: int
    first: bool
    waiting: bool
    binary: bool


class LiteralChunk(msgspec.Struct, frozen=True):
    """The next octets of an accepted message; where they are cut has no meaning."""

    data: bytes


class LiteralEnd(msgspec.Struct, frozen=True):
    """An accepted message is complete."""


class AppendEnd(msgspec.Struct, frozen=True):
    """The APPEND is complete; `tail`, the text after the last message, must be empty."""

    tail: bytes


class ContinuationLine(msgspec.Struct, frozen=True):
    """The line that `expect_line` requested: a SASL response, or DONE."""

    data: bytes


class RefusedFrame(msgspec.Struct, frozen=True):
    """A refused command or line; answer with these values.

    `tag` is empty when none was read; answer untagged. BYE means that the framer has lost synchronisation: send it and
    close; no event follows.
    """

    tag: bytes
    condition: Literal["NO", "BAD", "BYE"]
    code: bytes
    text: str


FrameEvent = (
    CommandReceived
    | NeedContinuation
    | AppendLiteral
    | LiteralChunk
    | LiteralEnd
    | AppendEnd
    | ContinuationLine
    | RefusedFrame
)
