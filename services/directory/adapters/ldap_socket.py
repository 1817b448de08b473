"""A connection to a directory elsewhere that bounds its answers: how long they take and how large they are.

The library waits for each piece of an answer anew and keeps whatever comes; a server that sends an octet now and then,
or messages without end, would hold a thread or fill the memory.
"""

from __future__ import annotations

import socket
from time import monotonic
from typing import Any

_PIECE = 262_144
_LONGEST_HEADER = 6
"""Octets of the tag and length of a message of up to 4 GiB (ITU-T X.690 §8.1.3)."""
MESSAGE_LIMIT = 16 * 1024 * 1024
ANSWER_LIMIT = 64 * 1024 * 1024
"""Octets of a message, which has one entry, and of all messages that answer one request."""


class BoundedSocket:
    """The socket that the library uses; `recv` gives it one whole message (RFC 4511 §5.1)."""

    def __init__(self, inner: socket.socket, seconds: float, ends_at: float) -> None:
        """An answer takes `seconds` at most, and all of them end at `ends_at` of the monotonic clock."""
        self._inner = inner
        self._seconds = seconds
        self._ends_at = ends_at
        self._answer_ends = min(monotonic() + seconds, ends_at)
        self._answered = 0
        self._buffer = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def sendall(self, data: bytes) -> None:
        """Send a request; its answer begins anew. Raises OSError."""
        self._answer_ends = min(monotonic() + self._seconds, self._ends_at)
        self._answered = 0
        self._inner.settimeout(self._remaining())
        self._inner.sendall(data)

    def recv(self, _size: int) -> bytes:
        """The next message; empty when the server has closed the connection. Raises OSError."""
        while (length := self._length()) is None or len(self._buffer) < length:
            self._inner.settimeout(self._remaining())
            piece = self._inner.recv(_PIECE)
            if not piece:
                return b""
            self._buffer += piece
        message = bytes(memoryview(self._buffer)[:length])
        del self._buffer[:length]
        self._answered += length
        if self._answered > ANSWER_LIMIT:
            raise OSError(f"an answer has more than {ANSWER_LIMIT} octets")
        return message

    def _length(self) -> int | None:
        """The octets of the message at the beginning of the buffer; None while that is not known yet."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size = buffer[1] - 0x80 if buffer[1] >= 0x80 else 0
        if not size:
            return buffer[1] + 2 if buffer[1] < 0x80 else _refuse()
        if size + 2 > _LONGEST_HEADER:
            return _refuse()
        if len(buffer) < size + 2:
            return None
        length = size + 2 + int.from_bytes(buffer[2 : size + 2], "big")
        return length if length <= MESSAGE_LIMIT else _refuse()

    def _remaining(self) -> float:
        remaining = self._answer_ends - monotonic()
        if remaining <= 0:
            raise TimeoutError("the answer takes too long")
        return remaining


def _refuse() -> int:
    raise OSError(f"a message has more than {MESSAGE_LIMIT} octets, or no length")
