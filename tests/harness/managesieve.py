"""A ManageSieve client, which sends given octets and returns responses as they were received."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from types import TracebackType
from typing import BinaryIO, cast

_TIMEOUT = 60.0
_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n\Z")
_FINAL = (b"OK", b"NO", b"BYE")


class ManageSieve:
    """`with ManageSieve(port, tls) as sieve`: under TLS, or in clear without `tls`."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, source: str = "127.0.0.1") -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), _TIMEOUT, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = cast(BinaryIO, self.socket.makefile("rb"))
        self.greeting = self.answer()
        self.capabilities = self.greeting
        if tls is not None:
            self.start_tls(tls)

    def start_tls(self, tls: ssl.SSLContext) -> None:
        """STARTTLS, and the capabilities that follow it."""
        self.ok("STARTTLS")
        self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._file = cast(BinaryIO, self.socket.makefile("rb"))
        self.capabilities = self.answer()

    def log_in(self, name: str, password: str) -> bytes:
        """AUTHENTICATE PLAIN; returns the response."""
        plain = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
        return self.ask(f'AUTHENTICATE "PLAIN" "{plain}"')[-1]

    def send(self, data: bytes) -> None:
        """Exactly these octets."""
        self.socket.sendall(data)

    def line(self) -> bytes:
        """The next response with its literals, without the last CRLF; empty at the end of the connection."""
        result = line = self._file.readline()
        while literal := _LITERAL.search(line):
            result += self._file.read(int(literal[1]))
            line = self._file.readline()
            result += line
        return result.removesuffix(b"\r\n")

    def answer(self) -> list[bytes]:
        """The lines up to OK, NO or BYE. Raises ConnectionError when the connection ends before that."""
        lines = []
        while not lines or not lines[-1].startswith(_FINAL):
            lines.append(self.line())
            if not lines[-1]:
                raise ConnectionError(f"the connection ended; {lines}")
        return lines

    def ask(self, command: str) -> list[bytes]:
        """Send a command and return its responses."""
        self.send(command.encode() + b"\r\n")
        return self.answer()

    def ok(self, command: str) -> list[bytes]:
        """The responses to a command that must succeed, without the last one."""
        *data, last = self.ask(command)
        assert last.startswith(b"OK"), last
        return data

    def put(self, name: str, source: bytes) -> bytes:
        """PUTSCRIPT with a literal; returns the response."""
        self.send(b'PUTSCRIPT "%b" {%d+}\r\n%b\r\n' % (name.encode(), len(source), source))
        return self.answer()[-1]

    def rest(self) -> bytes:
        """Everything until the connection ends, in whatever way it ends."""
        received = b""
        try:
            while data := self._file.readline():
                received += data
        except OSError:
            pass
        return received

    def close(self) -> None:
        """Close without LOGOUT."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> ManageSieve:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
