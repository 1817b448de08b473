"""A raw IMAP client, which sends given lines and returns responses as they were received."""

from __future__ import annotations

import re
import ssl
from typing import BinaryIO, cast

from tests.integration.access.imap_server import PASSWORD, ImapServer

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n\Z")


class ImapClient:
    """One connection, logged in unless `user` is empty."""

    def __init__(self, server: ImapServer, user: str = "ann") -> None:
        self.socket: ssl.SSLSocket = server.connect()
        self._file = cast(BinaryIO, self.socket.makefile("rb"))
        self._count = 0
        self.greeting = self.line()
        if user:
            self.ok(f'LOGIN {user}@example.org "{PASSWORD}"')

    def send(self, data: bytes) -> None:
        """Exactly these bytes."""
        self.socket.sendall(data)

    def line(self) -> bytes:
        """The next response with its literals, without the last CRLF; empty at the end of the connection."""
        result = line = self._file.readline()
        while literal := _LITERAL.search(line):
            result += self._file.read(int(literal[1]))
            line = self._file.readline()
            result += line
        return result.removesuffix(b"\r\n")

    def begin(self, command: str) -> bytes:
        """Send a command; returns its tag."""
        self._count += 1
        tag = b"t%d" % self._count
        self.send(tag + b" " + command.encode() + b"\r\n")
        return tag

    def finish(self, tag: bytes) -> tuple[bytes, list[bytes]]:
        """The tagged response and the responses before it."""
        untagged = []
        while True:
            line = self.line()
            if line.startswith(tag + b" "):
                return line[len(tag) + 1 :], untagged
            if not line:
                raise ConnectionError(f"the connection ended; {untagged[-1:]}")
            untagged.append(line)

    def ask(self, command: str) -> tuple[bytes, list[bytes]]:
        """Send a command and return its responses."""
        return self.finish(self.begin(command))

    def ok(self, command: str) -> list[bytes]:
        """The untagged responses of a command that must succeed."""
        answer, untagged = self.ask(command)
        assert answer.startswith(b"OK"), answer
        return untagged

    def append(self, message: bytes, mailbox: str = "INBOX", options: str = "") -> list[bytes]:
        """APPEND with a literal that does not wait for `+`."""
        self._count += 1
        tag = b"t%d" % self._count
        self.send(b"%b APPEND %b %b{%d+}\r\n%b\r\n" % (tag, mailbox.encode(), options.encode(), len(message), message))
        answer, untagged = self.finish(tag)
        assert answer.startswith(b"OK"), answer
        return untagged

    def close(self) -> None:
        """Close the connection without LOGOUT."""
        self._file.close()
        self.socket.close()
