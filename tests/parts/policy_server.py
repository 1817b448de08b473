"""An HTTPS server that answers every request with the same octets, for MTA-STS policies."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field


def policy_text(mode: str, *mx: str, max_age: int = 86_400) -> str:
    """A policy as a domain publishes it."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in mx), f"max_age: {max_age}", ""]
    return "\r\n".join(lines)


@dataclass
class PolicyServer:
    """`async with PolicyServer(context) as server`; the answer may be changed while it runs."""

    context: ssl.SSLContext
    address: str = "127.0.0.1"
    port: int = 0
    answer: bytes = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    is_silent: bool = False
    """Whether it never answers."""
    requests: list[bytes] = field(default_factory=list)

    async def __aenter__(self) -> PolicyServer:
        self._server = await asyncio.start_server(self._serve, self.address, self.port, ssl=self.context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def offers(self, text: str) -> None:
        """Answer with this policy."""
        body = text.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        self.answer = head.encode() + body

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if self.is_silent:
                await reader.read()  # until the client gives up
            writer.write(self.answer)
            await writer.drain()
        writer.close()
