"""Framing before grammar: command lines out of a stream of bytes.

A line ends in CRLF and in nothing else (RFC 5321 §2.3.8). Where it is cut by the network never matters, what is too
long never becomes a command, and no byte is looked at more than a fixed number of times.
"""

import enum
from typing import Final

COMMAND_LIMIT: Final = (
    2048  # octets with CRLF: the 512 of RFC 5321 §4.5.3.1.4 and room for every extension's parameters
)
AUTH_LIMIT: Final = 12288  # octets with CRLF: RFC 4954 §4
_AUTH_START: Final = b"AUTH "


class BadLine(enum.Enum):
    """Why a line is not a command."""

    BARE_NEWLINE = "a CR or LF that is not part of CRLF"
    NUL = "a NUL"
    TOO_LONG = "longer than the limit"


class LineFramer:
    """Holds the bytes that were received and not yet read. Readers of message bodies take from ``buffer``
    themselves."""

    __slots__ = ("_discarding", "_scanned", "buffer")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._scanned = 0  # octets of the buffer known to hold no LF
        self._discarding = False  # the line was refused already; its rest, to the next CRLF, is no command

    def next_line(self, limit: int = COMMAND_LIMIT) -> bytes | BadLine | None:
        """The next line without its CRLF, or why it is refused, or None when more bytes are needed."""
        if self._discarding:
            outcome = self._discard()
            if self._discarding or outcome is not None:
                return outcome
        buffer = self.buffer
        end = buffer.find(b"\n", self._scanned, limit)
        if end < 0:
            return self._no_line_end(limit)
        self._scanned = 0
        if end == 0 or buffer[end - 1] != 13:
            return self._bare_line_feed(end)
        line = bytes(buffer[: end - 1])
        del buffer[: end + 1]
        if b"\r" in line:
            return BadLine.BARE_NEWLINE
        return BadLine.NUL if b"\0" in line else line

    def clear(self) -> int:
        """Forget all that was received; how many octets that was."""
        count = len(self.buffer)
        self.buffer.clear()
        self._scanned, self._discarding = 0, False
        return count

    def _no_line_end(self, limit: int) -> bytes | BadLine | None:
        self._scanned = max(self._scanned, min(len(self.buffer), limit))
        if len(self.buffer) < limit:
            return None
        if limit < AUTH_LIMIT and self.buffer[: len(_AUTH_START)].upper() == _AUTH_START:
            return self.next_line(AUTH_LIMIT)  # an AUTH command with its initial response
        self._start_discarding(limit - 1)
        return BadLine.TOO_LONG

    def _bare_line_feed(self, end: int) -> BadLine:
        """Refused at once, for its sender may wait for an answer. What follows, up to a CRLF, was meant as this line by
        a careful reader.
        """
        self._start_discarding(end + 1)
        return BadLine.BARE_NEWLINE

    def _start_discarding(self, octets: int) -> None:
        del self.buffer[:octets]
        self._scanned, self._discarding = 0, True

    def _discard(self) -> BadLine | None:
        """Drop the rest of a refused line. A further bare LF in it is refused as well, so that a client without CRLF
        gets answers.
        """
        buffer = self.buffer
        end = buffer.find(b"\n")
        if end < 0:
            del buffer[:-1]  # the last octet may be the CR of a CRLF
            return None
        is_line_end = end > 0 and buffer[end - 1] == 13
        del buffer[: end + 1]
        self._discarding = not is_line_end
        return None if is_line_end else BadLine.BARE_NEWLINE
