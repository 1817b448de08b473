"""Finds the end of the header while a message is received."""

from __future__ import annotations

import re

_END = re.compile(rb"\n\r?\n")
_LONGEST_END = 3


class HeaderBlock:
    """Collects the header of a message, at most `limit` octets."""

    __slots__ = ("_gathered", "_limit", "_searched", "is_too_large")

    def __init__(self, limit: int) -> None:
        self._gathered = bytearray(b"\n")  # a line break before the first line, so that an empty header is found too
        self._limit = limit
        self._searched = 0
        self.is_too_large = False

    def feed(self, piece: bytes) -> tuple[bytes, bytes] | None:
        """The header with its blank line and the first octets of the body, once the blank line is received; None
        before."""
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
        """The header of a message that ended without a blank line."""
        return bytes(self._gathered[1:])
