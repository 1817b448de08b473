"""Responses as octets: single lines, lists, and messages with stuffed dots (RFC 1939 §3, RFC 2449 §8)."""

from __future__ import annotations

import re
from collections.abc import Iterable

END = b".\r\n"
"""The end of a response of several lines."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_MOST_TEXT = 480
"""Octets of a text; a response line has at most 512 with its status, code and line end (RFC 2449 §4)."""
_EMPTY_LINE = re.compile(rb"\n\r?\n")


def ok(text: str = "") -> bytes:
    """A positive response."""
    return _status(b"+OK", text)


def error(text: str, code: str = "") -> bytes:
    """A negative response; `code` is a response code such as `IN-USE` without its brackets (RFC 2449 §8)."""
    return _status(b"-ERR", f"[{code}] {text}" if code else text)


def continuation(base64: bytes = b"") -> bytes:
    """What the server sends within a SASL exchange (RFC 5034 §4)."""
    return b"+ " + base64 + b"\r\n"


def lines(texts: Iterable[str]) -> bytes:
    """The lines of a response of several lines, with its end; the status line comes before them."""
    return b"".join(_stuffed(text.encode("utf-8")) + b"\r\n" for text in texts) + END


def _status(word: bytes, text: str) -> bytes:
    cleaned = _CONTROLS.sub(" ", text).encode("utf-8")[:_MOST_TEXT].decode("utf-8", "ignore").encode("utf-8")
    return word + (b" " + cleaned if cleaned else b"") + b"\r\n"


def _stuffed(line: bytes) -> bytes:
    return b"." + line if line.startswith(b".") else line


class MessageEncoder:
    """Encodes a message that comes in pieces of any size: line ends become CRLF, dots at their beginning are stuffed.

    RETR and TOP use the same encoder. The division into pieces does not change the result.
    """

    __slots__ = ("_ends_with_cr", "_is_at_line_start")

    def __init__(self) -> None:
        self._is_at_line_start = True
        self._ends_with_cr = False

    def encode(self, piece: bytes) -> bytes:
        """The octets to send for the next octets of the message."""
        if not piece:
            return b""
        if self._ends_with_cr:
            piece = b"\r" + piece
        self._ends_with_cr = piece.endswith(b"\r")
        if self._ends_with_cr:
            piece = piece[:-1]
        return self._encoded(piece)

    def finish(self) -> bytes:
        """The end of the message: a line end where the last line has none, and the dot."""
        rest = self._encoded(b"\r") if self._ends_with_cr else b""
        self._ends_with_cr = False
        return rest + (b"" if self._is_at_line_start else b"\r\n") + END

    def _encoded(self, piece: bytes) -> bytes:
        if not piece:
            return b""
        if piece.count(b"\n") != piece.count(b"\r\n"):  # counting is cheaper than replacing, and mostly enough
            piece = piece.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if b"\n." in piece:
            piece = piece.replace(b"\n.", b"\n..")
        if self._is_at_line_start:
            piece = _stuffed(piece)
        self._is_at_line_start = piece.endswith(b"\n")
        return piece


class TopCut:
    """The header of a message that comes in pieces, and the first lines of its body (RFC 1939 §7, TOP)."""

    __slots__ = ("_is_in_header", "_last", "_lines_left", "is_complete", "is_header_alone")

    def __init__(self, lines_of_body: int) -> None:
        self._lines_left = lines_of_body
        self.is_header_alone = lines_of_body == 0
        """Whether no line of the body is asked for."""
        self._is_in_header = True
        self._last = b"\n"
        """The end of the octets so far, in which the empty line after the header may begin."""
        self.is_complete = False

    def take(self, piece: bytes) -> bytes:
        """What belongs to the answer of the next octets; empty when it is complete."""
        end = 0
        if self._is_in_header:
            end = self._end_of_header(piece)
        if not self._is_in_header:
            end = self._end_of_lines(piece, end)
        return piece[:end]

    def _end_of_header(self, piece: bytes) -> int:
        """The place behind the empty line, or the end of the piece."""
        known = self._last + piece
        match = _EMPTY_LINE.search(known)
        self._last = known[-3:]
        if match is None:
            return len(piece)
        self._is_in_header = False
        return match.end() - len(known) + len(piece)

    def _end_of_lines(self, piece: bytes, start: int) -> int:
        while self._lines_left:
            line_end = piece.find(b"\n", start) + 1
            if not line_end:
                return len(piece)
            start, self._lines_left = line_end, self._lines_left - 1
        self.is_complete = True
        return start
