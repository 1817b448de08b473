"""One SMTP connection that sends one message after another."""

from __future__ import annotations

import asyncio
import base64
import time
from collections import deque
from dataclasses import dataclass
from typing import cast

from loadtest.content.senders import relay_name
from loadtest.smtp.rendered_mail import RenderedMail
from loadtest.smtp.replies import BadReply, Reply, ReplyFramer
from loadtest.target import Target, trusting_context


class Refused(Exception):
    """The server refused (`stage` names the command), or the connection broke (`reply` is None)."""

    def __init__(self, stage: str, reply: Reply | None) -> None:
        super().__init__(f"{stage}: {reply if reply else 'connection lost'}")
        self.stage = stage
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Receipt:
    """Monotonic seconds: before MAIL, when the final dot was written, and when 250 was received."""

    began: float
    dot: float
    accepted: float


class SmtpSession(asyncio.Protocol):
    """A connection, opened with `open_session`; call `send` any number of times, then `quit`."""

    def __init__(self) -> None:
        self._framer = ReplyFramer()
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.extend(self._framer.feed(data))
        except BadReply:
            self.close()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._wake()

    async def send(self, rendered: RenderedMail, *, pipelining: bool = False) -> Receipt:
        """Do one mail transaction. When a step is refused, the connection is closed and Refused raised."""
        began = time.monotonic()
        try:
            await (self._envelope_at_once(rendered) if pipelining else self._envelope(rendered))
            dot = time.monotonic()
            self._write(rendered.data)
            await self.expect("data", 250)
        except Refused:
            self.close()
            raise
        return Receipt(began, dot, time.monotonic())

    async def _envelope(self, rendered: RenderedMail) -> None:
        self._write(rendered.mail)
        await self.expect("MAIL", 250)
        self._write(rendered.rcpt)
        await self.expect("RCPT", 250)
        self._write(b"DATA\r\n")
        await self.expect("DATA", 354)

    async def _envelope_at_once(self, rendered: RenderedMail) -> None:
        """Send the envelope in one group that ends with DATA (RFC 2920)."""
        self._write(rendered.mail + rendered.rcpt + b"DATA\r\n")
        await self.expect("MAIL", 250)
        await self.expect("RCPT", 250)
        await self.expect("DATA", 354)

    async def command(self, line: str, code: int) -> Reply:
        """Send a line and wait for its reply. Raises Refused."""
        self._write(f"{line}\r\n".encode())
        return await self.expect(line.split(" ", 1)[0], code)

    async def expect(self, stage: str, code: int) -> Reply:
        """The next reply, which must have this code. Raises Refused."""
        while not self._replies:
            if self.lost:
                raise Refused(stage, None)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        reply = self._replies.popleft()
        if reply.code != code:
            raise Refused(stage, reply)
        return reply

    async def start_tls(self) -> None:
        """Start TLS; what was said before is forgotten (RFC 3207)."""
        await self.command("STARTTLS", 220)
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(cast(asyncio.Transport, self._transport), self, trusting_context())

    async def quit(self) -> None:
        """Send QUIT, without requiring a reply."""
        if not self.lost:
            self._write(b"QUIT\r\n")
            self.close()

    def close(self) -> None:
        """Close the connection after what was written."""
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self.lost:
            self._transport.write(data)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def open_session(target: Target, number: int = 0) -> SmtpSession:
    """Connect and greet, with TLS and log-in where the target requires them.

    `number` selects the source address. Raises OSError, Refused.
    """
    source = target.sources[number % len(target.sources)] if target.sources else None
    _, session = await asyncio.get_running_loop().create_connection(
        SmtpSession, target.host, target.smtp_port, local_addr=(source, 0) if source else None
    )
    greeting = f"EHLO {relay_name(source or '127.0.0.1')}"
    try:
        await session.expect("greeting", 220)
        await session.command(greeting, 250)
        if target.starttls:
            await session.start_tls()
            await session.command(greeting, 250)
        if target.smtp_login:
            await session.command(f"AUTH PLAIN {_plain(target)}", 235)
    except Refused:
        session.close()
        raise
    return session


def _plain(target: Target) -> str:
    """The response of SASL PLAIN (RFC 4616)."""
    return base64.b64encode(f"\0{target.login(0)}\0{target.password}".encode()).decode("ascii")
