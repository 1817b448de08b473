"""A scripted SMTP server: it plays any other server, well or badly behaved, on a loopback address."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

CUT = b"cut"
"""A reply that closes the connection instead."""
SILENCE = b"silence"
"""A reply that never comes."""
Reply = bytes | Callable[[str], bytes]

_GOOD: Mapping[str, bytes] = {
    "greeting": b"220 remote.example ESMTP\r\n",
    "EHLO": b"250-remote.example\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-DSN\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    "HELO": b"250 remote.example\r\n",
    "STARTTLS": b"220 go ahead\r\n",
    "MAIL": b"250 2.1.0 sender ok\r\n",
    "RCPT": b"250 2.1.5 recipient ok\r\n",
    "DATA": b"354 go on\r\n",
    "dot": b"250 2.0.0 taken\r\n",
    "RSET": b"250 2.0.0 reset\r\n",
    "NOOP": b"250 2.0.0 ok\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
    "AUTH": b"235 2.7.0 welcome\r\n",
}


@dataclass
class TakenMail:
    """A mail that the server accepted."""

    mail: str
    rcpts: list[str]
    data: bytes
    is_encrypted: bool = False
    at: float = 0.0
    """When the reply to it was sent, in seconds since the epoch."""

    @property
    def recipients(self) -> list[str]:
        """The addresses of the accepted RCPT commands."""
        return [line.partition("<")[2].partition(">")[0] for line in self.rcpts]


@dataclass
class RemoteServer:
    """`async with RemoteServer() as server`; `replies` may be changed while it runs."""

    replies: dict[str, Reply] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    hangs_in_handshake: bool = False
    """Whether it falls silent after it agreed to STARTTLS."""
    reads_messages: bool = True
    """Whether it reads the message that it asks for."""
    address: str = "127.0.0.1"
    port: int = 0
    mails: list[TakenMail] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0

    async def __aenter__(self) -> RemoteServer:
        self._server = await asyncio.start_server(self._serve, self.address, self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def offers(self, *extensions: str) -> None:
        """Offer these extensions in EHLO, and no others."""
        lines = ["remote.example", *extensions]
        text = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n"
        self.replies["EHLO"] = text.encode()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, _Closed):
            await _Dialog(self, reader, writer).run()
        self.open -= 1
        writer.close()


class _Closed(Exception):
    """The server closes the connection."""


class _Dialog:
    """One connection."""

    def __init__(self, server: RemoteServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._mail = ""
        self._rcpts: list[str] = []
        self._is_encrypted = False

    async def run(self) -> None:
        """Serve until the client leaves."""
        await self._say("greeting", "")
        while line := await self._reader.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self._server.lines.append(text)
            await self._command(text.split(" ")[0].split(":")[0].upper(), text)

    async def _command(self, verb: str, line: str) -> None:
        reply = await self._say(verb, line)
        positive = reply[:1] in (b"2", b"3")
        if verb == "MAIL" and positive:
            self._mail, self._rcpts = line, []
        elif verb == "RCPT" and positive:
            self._rcpts.append(line)
        elif verb == "DATA" and positive:
            await self._data()
        elif verb == "STARTTLS" and positive and self._server.hangs_in_handshake:
            await self._reader.read()
        elif verb == "STARTTLS" and positive and self._server.context is not None:
            await self._writer.start_tls(self._server.context)
            self._is_encrypted = True
        elif verb == "QUIT":
            raise _Closed

    async def _data(self) -> None:
        if not self._server.reads_messages:
            await asyncio.sleep(3600)
        data = b""
        while not data.endswith(b"\r\n.\r\n") and data != b".\r\n":
            data += await self._reader.readuntil(b"\r\n")
        body = data[: -len(b".\r\n")].replace(b"\r\n..", b"\r\n.")
        reply = await self._say("dot", "")
        if reply[:1] == b"2":
            self._server.mails.append(TakenMail(self._mail, self._rcpts, body, self._is_encrypted, time.time()))

    async def _say(self, verb: str, line: str) -> bytes:
        chosen = self._server.replies.get(verb, _GOOD.get(verb, b"500 5.5.1 unknown command\r\n"))
        reply = chosen(line) if callable(chosen) else chosen
        if reply == CUT:
            raise _Closed
        if reply == SILENCE:
            await asyncio.sleep(3600)
        self._writer.write(reply)
        await self._writer.drain()
        return reply


def in_turn(replies: Sequence[bytes]) -> Callable[[str], bytes]:
    """Each reply once, the last one again and again."""
    left = list(replies)

    def reply(_line: str) -> bytes:
        return left.pop(0) if len(left) > 1 else left[0]

    return reply
