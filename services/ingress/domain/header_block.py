"""Finding the end of the header while a message comes in."""

from __future__ import annotations

import re

_END = re.compile(rb"\n\r?\n")
_LONGEST_END = 3


class HeaderBlock:
    """Gathers the header of a message, at most `limit` octets of it."""

    __slots__ = ("_gathered", "_limit", "_searched", "is_too_large")

    def __init__(self, limit: int) -> None:
        self._gathered = bytearray(b"\n")  # in front of the first line, so that a header may be empty
        self._limit = limit
        self._searched = 0
        self.is_too_large = False

    def feed(self, piece: bytes) -> tuple[bytes, bytes] | None:
        """The header with its blank line, and what of the body is there, once the blank line has come; None until
        then."""
        if self.is_too_large:
            return None
        self._gathered += piece
        match = _END.search(self._gathered, self._searched)
        end = match.end() if match else len(self._gathered)
        if end > self._limit:
            self.is_too_large = True
            self._gathered.clear()
        if match is None or self.is_too_large:
            self._searched = max(0, len(self._gathered) - _LONGEST_END)
            return None
        return bytes(self._gathered[1:end]), bytes(self._gathered[end:])

    def rest(self) -> bytes:
        """A message that ended without a blank line is all header."""
        return bytes(self._gathered[1:])
