"""Splits a stream of bytes into command lines, before any grammar.

Only CRLF ends a line (RFC 5321 §2.3.8). It does not matter where the network cuts the stream, a line that is too long
never becomes a command, and no byte is examined more than a fixed number of times.
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
    """Holds received bytes that were not read yet. Readers of message bodies take bytes from ``buffer`` directly."""

    __slots__ = ("_discarding", "_scanned", "buffer")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._scanned = 0  # octets of the buffer that contain no LF
        self._discarding = False  # the line is refused already; its rest up to the next CRLF is no command

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
        """Discard all received bytes; returns their number."""
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
        """Refuse the line at once, because its sender may wait for a reply.

        The octets up to the next CRLF belong to this line for a reader that obeys the RFC.
        """
        self._start_discarding(end + 1)
        return BadLine.BARE_NEWLINE

    def _start_discarding(self, octets: int) -> None:
        del self.buffer[:octets]
        self._scanned, self._discarding = 0, True

    def _discard(self) -> BadLine | None:
        """Discard the rest of a refused line.

        Each further bare LF is refused as well, so that a client without CRLF gets replies.
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
