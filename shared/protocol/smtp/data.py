"""The body of DATA (RFC 5321 §4.5.2): it ends at CRLF.CRLF and at nothing else; a dot that was put before a leading dot
is taken away.

A line that a bare LF begins is unstuffed too: a client that sends LF (Python's smtplib does with bytes) stuffs those
lines. Where bare newlines are refused it makes no difference.
"""

from typing import Final

_END: Final = b"\r\n.\r\n"
_STUFFED: Final = b"\n."
_PLAIN: Final = b"\n"
_CRLF: Final = b"\r\n"


class DotDecoder:
    """Decodes one body out of a buffer. What might be the start of the end (at most four octets) stays in the
    buffer."""

    __slots__ = ("_virtual", "finished")

    def __init__(self, buffer: bytearray) -> None:
        buffer[:0] = _CRLF  # the CRLF of the DATA command: "." as the first line is the end, too (RFC 5321 §4.1.1.4)
        self._virtual = len(_CRLF)  # octets of the next piece that are not the message's
        self.finished = False

    def decode(self, buffer: bytearray) -> bytes:
        """Take what is decided from the front of the buffer. Bare CR and LF are passed on as they are; see
        has_bare_newline.
        """
        dot = buffer.find(
            _STUFFED
        )  # one search is enough for most pieces: neither a stuffed line nor the end is there without it
        if dot < 0:
            return self._own(_cut(buffer, len(buffer) - _undecided(buffer), 0))
        end = buffer.find(_END, max(0, dot - 1))
        self.finished = end >= 0
        if self.finished:
            piece = _cut(buffer, end + len(_CRLF), len(_END) - len(_CRLF))
        else:
            piece = _cut(buffer, len(buffer) - _undecided(buffer), 0)
        return self._own(piece.replace(_STUFFED, _PLAIN))

    def _own(self, piece: bytes) -> bytes:
        """The piece without the CRLF of the command."""
        if self._virtual and piece:
            piece, self._virtual = piece[self._virtual :], 0
        return piece


def _cut(buffer: bytearray, octets: int, surplus: int) -> bytes:
    """The first octets of the buffer; they and the surplus behind them are removed from it."""
    with memoryview(buffer) as view:
        piece = bytes(view[:octets])
    del buffer[: octets + surplus]
    return piece


def _undecided(buffer: bytearray) -> int:
    """How many octets at the end of the buffer may begin the terminator or a stuffed line."""
    for count in (4, 3, 2, 1):
        if buffer.endswith(_END[:count]):
            return count
    return 1 if buffer.endswith(_PLAIN) else 0
