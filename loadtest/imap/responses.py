"""Splits a byte stream into IMAP responses, and reads the few that the load test needs (RFC 9051 §7)."""

from __future__ import annotations

import re

LARGEST = 256 * 1024 * 1024
"""The largest response in octets, with its literals."""
_LITERAL = re.compile(rb"\{(\d{1,10})\}$")
_EXISTS = re.compile(rb"\* (\d+) EXISTS", re.IGNORECASE)
_MESSAGES = re.compile(rb"\bMESSAGES (\d+)[^()]*\)\s*$", re.IGNORECASE)
_LIST = re.compile(rb'\* LIST \(([^)]*)\) (?:NIL|"(?:[^"\\]|\\.)") (.*)$', re.IGNORECASE | re.DOTALL)


class BadResponse(ValueError):
    """The server sent something that is not IMAP."""


class ResponseFramer:
    """Splits bytes into complete responses with their literals; the division of the bytes does not matter."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0
        self._scan = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The responses that these bytes complete, without their last CRLF. Raises BadResponse."""
        self._buffer += data
        complete = []
        while (end := self._buffer.find(b"\r\n", self._scan)) >= 0:
            if (response := self._ended(end)) is not None:
                complete.append(response)
        self._forget()
        return complete

    def _ended(self, end: int) -> bytes | None:
        """The response that ends here, or None when a literal follows the line."""
        literal = _LITERAL.search(self._buffer, max(self._start, end - 12), end)
        if literal:
            self._scan = end + 2 + int(literal[1])
            if self._scan - self._start > LARGEST:
                raise BadResponse("endless response")
            return None
        response = bytes(self._buffer[self._start : end])
        self._start = self._scan = end + 2
        return response

    def _forget(self) -> None:
        """Remove returned responses; bytes that were searched are not searched again."""
        del self._buffer[: self._start]
        self._scan = (
            max(self._scan - self._start, len(self._buffer) - 1, 0)
            if self._no_literal_open()
            else self._scan - self._start
        )
        self._start = 0
        if len(self._buffer) > LARGEST:
            raise BadResponse("endless response")

    def _no_literal_open(self) -> bool:
        return self._scan - self._start <= len(self._buffer)


def exists(response: bytes) -> int | None:
    """The number of `* n EXISTS`."""
    match = _EXISTS.match(response)
    return int(match[1]) if match else None


def messages(response: bytes) -> int | None:
    """MESSAGES of a STATUS response."""
    match = _MESSAGES.search(response) if response[:8].upper() == b"* STATUS" else None
    return int(match[1]) if match else None


def listed(response: bytes) -> tuple[bytes, bytes] | None:
    """Attributes and mailbox name, as quoted by the server, of a LIST response."""
    match = _LIST.match(response)
    return (match[1].lower(), match[2]) if match else None


def quoted(text: str) -> bytes:
    """A quoted string (RFC 9051 §4.3)."""
    return b'"' + text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
