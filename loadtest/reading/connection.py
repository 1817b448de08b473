"""One IMAP connection that costs the client as little as possible: responses are received and not parsed."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Sequence
from types import TracebackType

from loadtest.imap.session import ImapRefused
from loadtest.target import trusting_context

_AT_ONCE = 1024 * 1024
_PATIENCE = 600.0


class ReadingConnection:
    """A connection over TLS: `with ReadingConnection(port, user, password) as connection`. Raises OSError."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._user = user
        self._password = password
        plain = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = trusting_context().wrap_socket(plain)
        self._tags = itertools.count(1)
        self._received_until(b"\r\n")

    def __enter__(self) -> ReadingConnection:
        self.command(f'LOGIN "{self._user}" "{self._password}"'.encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def command(self, line: bytes) -> bytes:
        """Send a command and receive its responses. Raises ImapRefused when it is answered NO or BAD."""
        tag = b"L%d" % next(self._tags)
        self._socket.sendall(b"%s %s\r\n" % (tag, line))
        answer = self._answer(tag)
        if not answer.rpartition(b"\r\n" + tag + b" ")[2].startswith(b"OK") and not answer.startswith(tag + b" OK"):
            raise ImapRefused(answer[-200:].decode("utf-8", "replace"))
        return answer

    def seconds(self, lines: Sequence[bytes]) -> float:
        """The time of commands in a row. Raises ImapRefused."""
        began = time.perf_counter()
        for line in lines:
            self.command(line)
        return time.perf_counter() - began

    def append(self, mailbox: bytes, message: bytes) -> None:
        """Append one message with a non-synchronising literal. Raises ImapRefused."""
        self.command(b"APPEND %s {%d+}\r\n%s" % (mailbox, len(message), message))

    def _answer(self, tag: bytes) -> bytes:
        """Everything up to the end of the tagged response."""
        pieces = [self._received()]
        tail = pieces[0]
        while not _is_whole(tail, tag):
            pieces.append(self._received())
            tail = tail[-512:] + pieces[-1]
        return b"".join(pieces)

    def _received_until(self, end: bytes) -> bytes:
        data = self._received()
        while not data.endswith(end):
            data += self._received()
        return data

    def _received(self) -> bytes:
        data = self._socket.recv(_AT_ONCE)
        if not data:
            raise ImapRefused("connection lost")
        return data


def _is_whole(tail: bytes, tag: bytes) -> bool:
    """Whether the last line is the tagged response."""
    if not tail.endswith(b"\r\n"):
        return False
    last = tail[tail.rfind(b"\r\n", 0, len(tail) - 2) + 2 :] if tail.count(b"\r\n") > 1 else tail
    return last.startswith(tag + b" ")
