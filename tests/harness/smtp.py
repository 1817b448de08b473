"""An SMTP client that sends exactly the given bytes."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType

from loadtest.smtp.rendered_mail import dotted

_TIMEOUT = 60.0
_QUEUE_ID = re.compile(r"\b(?:queued|Accepted) as (\S+)")
_REFERENCE = re.compile(r"\b([0-9A-HJKMNP-TV-Z]{10})\b\)?\s*\Z")


class Refused(AssertionError):
    """A reply was 4xx or 5xx where 2xx was expected."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply with all its lines, without their codes."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return " ".join(self.lines)

    @property
    def queue_id(self) -> str:
        """The queue id of the accepted mail. Raises Refused."""
        uids = _QUEUE_ID.search(self.text)
        if self.code != 250 or uids is None:
            raise Refused(str(self))
        return uids[1]

    @property
    def reference(self) -> str:
        """The reference at the end of a refusal; empty when there is none."""
        uids = _REFERENCE.search(self.lines[-1])
        return uids[1] if uids else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Smtp:
    """`with Smtp(port) as smtp: smtp.send(sender, [recipient], data).queue_id`."""

    def __init__(
        self,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "localhost",
        hello: str = "client.honest.example",
    ) -> None:
        """Connect and send EHLO; `tls` is used from the first byte. Raises Refused for a bad greeting."""
        plain = socket.create_connection(("127.0.0.1", port), _TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = host
        self._hello = hello
        self._socket: socket.socket = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        self._buffer = b""
        self.greeting = self.expect(220)
        self.extensions = self.hello()

    def hello(self) -> dict[str, str]:
        """Send EHLO; returns each extension with its parameters."""
        lines = self.expect(250, b"EHLO %s" % self._hello.encode()).lines[1:]
        return {word.upper(): rest for word, _, rest in (line.partition(" ") for line in lines)}

    def start_tls(self, tls: ssl.SSLContext) -> None:
        """Send STARTTLS and EHLO. Raises Refused, ssl.SSLError."""
        self.expect(220, b"STARTTLS")
        self._socket = tls.wrap_socket(self._socket, server_hostname=self._host)
        self.extensions = self.hello()

    def log_in(self, login: str, password: str) -> Reply:
        """Send AUTH PLAIN with an initial response."""
        word = base64.b64encode(b"\0%s\0%s" % (login.encode(), password.encode()))
        return self.command(b"AUTH PLAIN " + word)

    def send(self, sender: str, recipients: list[str], data: bytes, parameters: str = "") -> Reply:
        """Send a mail; returns the reply to the data, or to the first refused command."""
        sending = self.command(f"MAIL FROM:<{sender}>{parameters}".encode())
        replies = [sending, *(self.command(f"RCPT TO:<{recipient}>".encode()) for recipient in recipients)]
        refused = next((reply for reply in replies if reply.code != 250), None)
        if refused:
            self.command(b"RSET")
            return refused
        ready = self.command(b"DATA")
        return self.data(data) if ready.code == 354 else ready

    def data(self, data: bytes) -> Reply:
        """Send the message with doubled dots, and its end."""
        self.write(dotted(data))
        return self.reply()

    def command(self, line: bytes) -> Reply:
        """Send one line; returns its reply."""
        self.write(line + b"\r\n")
        return self.reply()

    def expect(self, code: int, line: bytes | None = None) -> Reply:
        """The reply (to `line`). Raises Refused when it has another code."""
        reply = self.command(line) if line is not None else self.reply()
        if reply.code != code:
            raise Refused(f"{line!r}: {reply}")
        return reply

    def write(self, data: bytes) -> None:
        """Send these bytes."""
        self._socket.sendall(data)

    def reply(self) -> Reply:
        """The next reply. Raises ConnectionError at the end of the connection."""
        lines: list[str] = []
        while True:
            line = self._line()
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), tuple(lines))

    def close(self) -> None:
        """Close the connection without QUIT."""
        self._socket.close()

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("utf-8", "replace")

    def __enter__(self) -> Smtp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
