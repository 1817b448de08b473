"""An SMTP client that always knows which mail the server may have accepted."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from dataclasses import dataclass

from loadtest.smtp.replies import BadReply, Reply, ReplyFramer
from tests.chaos.mails import RenderedMail
from tests.chaos.moments import Moment, Moments

_QUEUED = re.compile(r"Accepted as (\S+)")
_PIECE = 65536
_PATIENCE = 60.0


class Failed(Exception):
    """The mail was not sent.

    `cut`: the final dot was sent and no reply came, so nobody knows whether it was accepted.
    """

    def __init__(self, where: str, reply: Reply | None = None, *, cut: bool = False) -> None:
        super().__init__(f"{where}: {reply or 'connection lost'}")
        self.where = where
        self.reply = reply
        self.cut = cut

    @property
    def permanent(self) -> bool:
        """Whether the server refused for good."""
        return self.reply is not None and self.reply.code >= 500


@dataclass(frozen=True, slots=True)
class Submission:
    """A listener and its user: with a log-in over implicit TLS, or without log-in and TLS."""

    port: int
    login: str = ""
    password: str = ""


class SmtpClient:
    """One connection. `async with SmtpClient(...) as client: queue_id = await client.send(mail)`."""

    def __init__(self, submission: Submission, moments: Moments) -> None:
        self._submission = submission
        self._moments = moments
        self._framer = ReplyFramer()
        self._replies: list[Reply] = []

    async def __aenter__(self) -> SmtpClient:
        try:
            context = _trusting() if self._submission.login else None
            self._reader, self._writer = await asyncio.wait_for(
                asyncio.open_connection("127.0.0.1", self._submission.port, ssl=context), _PATIENCE
            )
        except (OSError, TimeoutError) as error:
            raise Failed("connect") from error
        try:
            await self._expect("greeting", 220)
            await self._command("EHLO client.remote.example", 250)
            if self._submission.login:
                secret = base64.b64encode(f"\0{self._submission.login}\0{self._submission.password}".encode()).decode()
                await self._command(f"AUTH PLAIN {secret}", 235)
        except BaseException:
            self._writer.transport.abort()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def send(self, mail: RenderedMail) -> str:
        """One transaction; the queue id. Raises Failed."""
        await self._command(f"MAIL FROM:<{mail.reverse_path}>", 250)
        for recipient in mail.recipients:
            await self._command(f"RCPT TO:<{recipient}>", 250)
        await self._command("DATA", 354)
        await self._body(mail.data)
        reply = await self._end()
        uids = _QUEUED.search(reply.text)
        if uids is None:
            raise Failed("queue id", reply)
        return uids[1]

    async def _body(self, data: bytes) -> None:
        half = len(data) // 2
        for start in range(0, len(data), _PIECE):
            end = start + _PIECE
            if start <= half < end:
                await self._put(data[start:half])
                await self._moments.pass_by(Moment.IN_DATA)
                start = half
            await self._put(data[start:end])

    async def _end(self) -> Reply:
        try:
            await self._put(b".\r\n")
            await self._moments.pass_by(Moment.AFTER_DOT)
            return await self._expect("dot", 250)
        except Failed as failed:
            raise Failed(failed.where, failed.reply, cut=failed.reply is None) from failed

    async def _command(self, line: str, code: int) -> Reply:
        await self._put(line.encode() + b"\r\n")
        return await self._expect(line.split(" ", 1)[0], code)

    async def _put(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await asyncio.wait_for(self._writer.drain(), _PATIENCE)
        except (OSError, TimeoutError) as error:
            raise Failed("write") from error

    async def _expect(self, where: str, code: int) -> Reply:
        while not self._replies:
            try:
                data = await asyncio.wait_for(self._reader.read(65536), _PATIENCE)
                self._replies = self._framer.feed(data)
            except (OSError, TimeoutError, BadReply) as error:
                raise Failed(where) from error
            if not data:
                raise Failed(where)
        reply = self._replies.pop(0)
        if reply.code != code:
            raise Failed(where, reply)
        return reply


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
