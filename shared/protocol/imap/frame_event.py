"""What the framer tells its shell, and the limits it keeps."""

from typing import Literal

import msgspec


class FrameLimits(msgspec.Struct, frozen=True):
    """Sizes in octets."""

    line: int = 65_536
    """One line without its literals. RFC 7162 4 wants at least 8192."""
    literal: int = 65_536
    """One literal that is an ordinary argument."""
    command: int = 262_144
    """All lines and literals of a command together, streamed literals not counted."""
    swallow: int = 134_217_728
    """What is read and thrown away of a refused command to stay in step with the client; beyond it the connection ends.
    """


BEFORE_LOGIN = FrameLimits(line=40_960, literal=8_192, command=49_152, swallow=65_536)
"""For strangers: enough for LOGIN, the tokens of AUTHENTICATE, and the largest ID: 30 fields with names of 30 and
values of 1024 octets (RFC 2971 3.3). """
AFTER_LOGIN = FrameLimits()


class CommandReceived(msgspec.Struct, frozen=True):
    """A whole command for `parse_command`: lines and literals in one piece, without the last CRLF.

    A literal stands in it as on the wire, `{5}` CRLF and five octets; every line break outside literals follows such a
    marker.
    """

    data: bytes


class NeedContinuation(msgspec.Struct, frozen=True):
    """The client waits before it sends a literal of `size` octets: answer `+ ...` (RFC 3501 7.5)."""

    size: int


class AppendLiteral(msgspec.Struct, frozen=True):
    """A message is about to come: answer with `accept_literal()` or `refuse(...)` before asking for the next event.

    `head` is the command up to the literal's marker when `first`, for `parse_append`; else what stands between two
    messages of a MULTIAPPEND, for `parse_append_message`. When `waiting`, accepting also means answering `+ ...`.
    """

    head: bytes
    size: int
    first: bool
    waiting: bool
    binary: bool


class LiteralChunk(msgspec.Struct, frozen=True):
    """The next octets of an accepted message; how they are cut means nothing."""

    data: bytes


class LiteralEnd(msgspec.Struct, frozen=True):
    """An accepted message has come whole."""


class AppendEnd(msgspec.Struct, frozen=True):
    """The APPEND is complete; `tail`, what followed the last message, must be empty."""

    tail: bytes


class ContinuationLine(msgspec.Struct, frozen=True):
    """The line asked for by `expect_line`: a SASL response, or DONE."""

    data: bytes


class RefusedFrame(msgspec.Struct, frozen=True):
    """A command, or a line, that never becomes one; answer it so. `tag` is empty when none was read: answer untagged.

    BYE means that we are out of step with the client: say it and close; nothing follows.
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
