"""Reads the replies of a server from a stream of bytes (RFC 5321 §4.2), within limits.

The server may be hostile: every size is limited, and what is kept of a reply has no control characters. Lines may end
in a bare LF, because some servers send it and nothing can be smuggled in this direction.
"""

import enum
import re
from collections.abc import Callable
from typing import Final

import msgspec

from shared.protocol.smtp.reply import Reply

# Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF (RFC 5321 §4.2). The second
# digit is not limited to 0-5, because real servers send 57x and 59x.
_REPLY_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
# status-code = class "." subject "." detail (RFC 2034 §4, RFC 3463 §2)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ ]+|$)")
_CODE_LENGTH: Final = 3


class ReplyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The largest reply that is read, and how much of it is kept. RFC 5321 §4.5.3.1.5 allows 512 octets a line."""

    line: int = 8192  # octets, with the line end
    lines: int = 512
    octets: int = 128 * 1024  # of all lines together
    kept_lines: int = 100
    kept_octets: int = 8192


class BadReply(enum.Enum):
    """Why octets are not a reply."""

    NO_CODE = "a line does not begin with a reply code"
    CODES_DIFFER = "the lines of a reply have different codes"
    LINE_TOO_LONG = "a reply line is too long"
    TOO_MANY_LINES = "a reply has too many lines"
    TOO_LARGE = "a reply is too large"


class ReplyReader:
    """Holds the octets that were received and not yet read, and the lines of an unfinished reply.

    ``note`` is called with each line as it was received, without its line end.
    """

    __slots__ = ("_code", "_kept", "_limits", "_lines", "_note", "_octets", "_room", "_scanned", "buffer")

    def __init__(self, limits: ReplyLimits, note: Callable[[bytes], None]) -> None:
        self.buffer = bytearray()
        self._limits = limits
        self._note = note
        self._scanned = 0  # octets of the buffer that contain no LF
        self._code = b""  # of the unfinished reply
        self._kept: list[bytes] = []
        self._lines = self._octets = 0
        self._room = limits.kept_octets

    @property
    def is_empty(self) -> bool:
        """Whether no octet waits, neither in the buffer nor in an unfinished reply."""
        return not self.buffer and not self._lines

    def next_reply(self) -> Reply | BadReply | None:
        """The next reply, or why the octets are none, or None when more are needed.

        After a BadReply the reader cannot be used any more, because the beginning of the next reply is unknown.
        """
        while True:
            line = self._next_line()
            if line is None:
                return BadReply.LINE_TOO_LONG if len(self.buffer) >= self._limits.line else None
            outcome = self._take(line)
            if outcome is not None:
                return outcome

    def clear(self) -> None:
        """Discard all octets."""
        self.buffer.clear()
        self._scanned = 0
        self._begin()

    def _next_line(self) -> bytes | None:
        buffer = self.buffer
        end = buffer.find(b"\n", self._scanned, self._limits.line)
        if end < 0:
            self._scanned = min(len(buffer), self._limits.line)
            return None
        self._scanned = 0
        line = bytes(buffer[:end])
        del buffer[: end + 1]
        self._octets += end + 1
        return line.rstrip(b"\r")

    def _take(self, line: bytes) -> Reply | BadReply | None:
        self._note(line)
        match = _REPLY_LINE.fullmatch(line)
        if match is None:
            return BadReply.NO_CODE
        code, mark, text = match.groups()
        if self._lines and code != self._code:
            return BadReply.CODES_DIFFER
        self._code = code
        self._lines += 1
        if self._octets > self._limits.octets:
            return BadReply.TOO_LARGE
        self._keep(text or b"")
        if mark == b"-":
            return BadReply.TOO_MANY_LINES if self._lines >= self._limits.lines else None
        reply = _reply(int(code), self._kept)
        self._begin()
        return reply

    def _keep(self, text: bytes) -> None:
        if len(self._kept) < self._limits.kept_lines and (self._room > 0 or not text):
            text = text[: self._room]
            self._room -= len(text)
            self._kept.append(text)

    def _begin(self) -> None:
        self._code, self._kept = b"", []
        self._lines = self._octets = 0
        self._room = self._limits.kept_octets


def _reply(code: int, kept: list[bytes]) -> Reply:
    lines = [printable(text) for text in kept]
    match = _ENHANCED.match(lines[0]) if lines else None
    if match is None or match[1][0] != str(code)[0]:  # RFC 2034 §4: the class must be that of the code
        return Reply(code, None, tuple(lines))
    enhanced = match[1]
    if len(lines) == 1:
        return Reply(code, enhanced, (lines[0][match.end() :],))
    return Reply(code, enhanced, tuple([_without(enhanced, line) for line in lines]))


def _without(enhanced: str, line: str) -> str:
    """The line without the status code, which RFC 2034 §4 repeats in every line."""
    match = _ENHANCED.match(line)
    return line[match.end() :] if match is not None and match[1] == enhanced else line


def printable(text: bytes) -> str:
    """Text of a server in a form that may be stored: UTF-8, with "?" for every character that is not printable."""
    decoded = text.decode("utf-8", "replace")
    if decoded.isprintable():
        return decoded
    return "".join([character if character.isprintable() else "?" for character in decoded])
