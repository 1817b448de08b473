"""Splits a byte stream into the lines of commands, within limits, before any meaning (RFC 1939 §3, RFC 2449 §4).

    framer.feed(received)
    while (event := framer.next()) is not None: ...

Any division of the stream gives the same events.
"""

from __future__ import annotations

import msgspec

from shared.protocol.imap.line_buffer import LineBuffer
from shared.protocol.pop3.commands import MOST_SASL_OCTETS

LOGGED_IN_OCTETS = 1024
"""Octets of a line after the log-in, with its end. RFC 2449 §4 demands 255."""
_MOST_SKIPPED = 65_536
"""Octets of a line that is too long which are skipped; beyond them the connection ends."""


class PopLine(msgspec.Struct, frozen=True):
    """A line without its end."""

    octets: bytes


class PopLineTooLong(msgspec.Struct, frozen=True):
    """A line was too long and has been skipped; answer -ERR."""


class PopStreamLost(msgspec.Struct, frozen=True):
    """The client sends a line without an end; close the connection. No event follows."""


PopEvent = PopLine | PopLineTooLong | PopStreamLost


class PopFramer:
    """The framer of one connection. `most` may be replaced between lines, as after the log-in."""

    __slots__ = ("_buffer", "_skipped", "most")

    def __init__(self, most: int = MOST_SASL_OCTETS) -> None:
        self.most = most
        """Octets of a line with its end."""
        self._buffer = LineBuffer()
        self._skipped = 0

    def feed(self, data: bytes) -> None:
        """Add received octets."""
        self._buffer.feed(data)

    def next(self) -> PopEvent | None:
        """The next event, or None when more octets are needed."""
        line = self._buffer.take_line()
        if line is None:
            return self._wait()
        size, self._skipped = self._skipped + len(line), 0
        if size > self.most - 2:
            return PopStreamLost() if size > _MOST_SKIPPED else PopLineTooLong()
        return PopLine(line)

    def take_rest(self) -> bytes:
        """Remove and return the buffered octets: after STLS they must not be carried out (RFC 2595 §4)."""
        return self._buffer.take(len(self._buffer))

    def _wait(self) -> PopEvent | None:
        """Keep what may still become a line; skip the beginning of one that is too long."""
        if self._skipped or len(self._buffer) > self.most:
            self._skipped += self._buffer.keep_last(1)  # the CR of the line end is not counted yet
        return PopStreamLost() if self._skipped > _MOST_SKIPPED else None
