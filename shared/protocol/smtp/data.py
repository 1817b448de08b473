"""The body of DATA (RFC 5321 §4.5.2): only CRLF.CRLF ends it, and the dot added before a leading dot is removed.

A line after a bare LF is unstuffed as well: a client that sends LF (Python's smtplib does so with bytes) stuffs such
lines. Where bare newlines are refused, it makes no difference.
"""

from typing import Final

_END: Final = b"\r\n.\r\n"
_STUFFED: Final = b"\n."
_PLAIN: Final = b"\n"
_CRLF: Final = b"\r\n"


class DotDecoder:
    """Decodes one body from a buffer. Octets that may begin the terminator (at most four) stay in the buffer."""

    __slots__ = ("_virtual", "finished")

    def __init__(self, buffer: bytearray) -> None:
        # the CRLF of the DATA command, because "." as the first line also ends the body (RFC 5321 §4.1.1.4)
        buffer[:0] = _CRLF
        self._virtual = len(_CRLF)  # octets of the next piece that do not belong to the message
        self.finished = False

    def decode(self, buffer: bytearray) -> bytes:
        """Take the decided octets from the front of the buffer.

        Bare CR and LF are passed on unchanged; see has_bare_newline.
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
    """The first octets of the buffer; they and the `surplus` after them are removed."""
    with memoryview(buffer) as view:
        piece = bytes(view[:octets])
    del buffer[: octets + surplus]
    return piece


def _undecided(buffer: bytearray) -> int:
    """The number of octets at the end of the buffer that may begin the terminator or a stuffed line."""
    for count in (4, 3, 2, 1):
        if buffer.endswith(_END[:count]):
            return count
    return 1 if buffer.endswith(_PLAIN) else 0
