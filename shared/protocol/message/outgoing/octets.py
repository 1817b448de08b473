"""Looks for octets and lines that SMTP without extensions cannot carry (RFC 5321 §4.5.3.1.6, RFC 6152 §2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from shared.protocol.smtp.body import has_bare_newline

LINE_LIMIT: Final = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""
_WINDOW: Final = LINE_LIMIT + 2


class OctetTraits(NamedTuple):
    """Which octets and lines some octets contain."""

    eight_bit: bool = False
    """Octets over 127."""
    nul: bool = False
    bare_newline: bool = False
    """A CR or LF that is not part of CRLF."""
    long_line: bool = False
    """A line of more than 998 octets."""
    ends_line: bool = True
    """It is empty or ends with CRLF."""

    @property
    def is_binary(self) -> bool:
        """Whether only BINARYMIME can carry it unchanged (RFC 3030 §3): not even 8BITMIME allows NUL and bare CR or
        LF (RFC 6152 §2)."""
        return self.nul or self.bare_newline


class OctetSurvey:
    """Takes pieces cut anywhere, in one pass of searches in C. Holds no octets but the last."""

    __slots__ = ("_bare", "_eight_bit", "_line", "_long", "_nul", "_tail")

    def __init__(self) -> None:
        self._eight_bit = self._nul = self._bare = self._long = False
        self._line = 0
        """Octets since the last LF."""
        self._tail = b""
        """The last two octets."""

    def feed(self, piece: bytes) -> None:
        """The next octets."""
        if not piece:
            return
        self._eight_bit = self._eight_bit or not piece.isascii()
        self._nul = self._nul or b"\0" in piece
        self._bare = self._bare or self._has_bare(piece)
        self._long = self._long or self._has_long(piece)
        self._tail = (self._tail + piece[-2:])[-2:]

    def finish(self) -> OctetTraits:
        """The result, once the octets are complete."""
        ends_with_cr = self._tail.endswith(b"\r")
        return OctetTraits(
            self._eight_bit,
            self._nul,
            self._bare or ends_with_cr,
            self._long or self._line - ends_with_cr > LINE_LIMIT,
            self._tail in (b"", b"\r\n"),
        )

    def _has_bare(self, piece: bytes) -> bool:
        if self._tail.endswith(b"\r"):
            piece = b"\r" + piece
        return has_bare_newline(piece[:-1] if piece.endswith(b"\r") else piece)

    def _has_long(self, piece: bytes) -> bool:
        """Whether a window of 1000 octets at the start of a line has no LF; most lines are skipped unseen."""
        at, size = -self._line, len(piece)
        while at + _WINDOW <= size:
            line_end = piece.rfind(b"\n", max(at, 0), at + _WINDOW)
            if line_end < 0:
                return True
            at = line_end + 1
        line_end = piece.rfind(b"\n", max(at, 0))
        self._line = size - (line_end + 1 if line_end >= 0 else at)
        return False


def survey(pieces: Iterable[bytes]) -> OctetTraits:
    """The traits of these octets."""
    octets = OctetSurvey()
    for piece in pieces:
        octets.feed(piece)
    return octets.finish()
