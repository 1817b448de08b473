"""A simple SMTP client: it sends what it is given and returns the replies."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from tests.parts.certificate import trusting


class Client:
    """Sends lines and reads replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> bytes:
        """The next reply with all its lines."""
        lines = []
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 90)
            lines.append(line)
            if line[3:4] != b"-":
                return b"".join(lines)

    async def say(self, line: str | bytes) -> bytes:
        """Send a line; returns its reply."""
        self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")
        await self.writer.drain()
        return await self.reply()

    async def hello(self) -> None:
        """Read the greeting and send EHLO."""
        assert (await self.reply()).startswith(b"220")
        assert (await self.say("EHLO client.example")).startswith(b"250")

    async def envelope(self, *recipients: str, sender: str = "bob@sender.example") -> None:
        """Send MAIL, RCPT and DATA."""
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith(b"250")
        for recipient in recipients or ("ann@example.org",):
            assert (await self.say(f"RCPT TO:<{recipient}>")).startswith(b"250")
        assert (await self.say("DATA")).startswith(b"354")

    async def mail(self, message: bytes, *recipients: str, sender: str = "bob@sender.example") -> bytes:
        """Send a whole mail; returns the last reply."""
        await self.envelope(*recipients, sender=sender)
        return await self.say(message + b".")

    async def start_tls(self) -> None:
        """Send STARTTLS and a second EHLO."""
        assert (await self.say("STARTTLS")).startswith(b"220")
        await self.writer.start_tls(trusting())
        assert (await self.say("EHLO client.example")).startswith(b"250")


@contextlib.asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext | None = None, limit: int = 65536) -> AsyncIterator[Client]:
    """A connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, limit=limit)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
