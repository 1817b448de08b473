"""The SMTP driver against aiosmtpd: it loses nothing, counts refusals, and uses little CPU itself."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope

from loadtest.content.mail import mails
from loadtest.content.profile import Profile
from loadtest.smtp.driver import Shape, send_all
from loadtest.smtp.rendered_mail import RenderedMail, render
from loadtest.smtp.session import Refused, open_session
from loadtest.target import Target
from tests.parts.certificate import self_signed

PROFILE = Profile(users=5)
SENT = list(mails(PROFILE, 40))


class Sink:
    """Keeps the mails that it receives, and refuses one recipient."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        """Refuse recipient 3."""
        if address.startswith("user03@"):
            return "451 4.2.1 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        """Accept everything else."""
        self.received.append(envelope)
        return "250 OK"


Serve = Callable[..., Any]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[asyncio.Server] = []

    async def start(**options: Any) -> tuple[Sink, Target]:
        sink, loop = Sink(), asyncio.get_running_loop()
        servers.append(await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True, **options), "127.0.0.1", 0))
        return sink, Target(smtp_port=servers[-1].sockets[0].getsockname()[1], users=5)

    yield start
    for server in servers:
        server.close()


def _mails() -> list[RenderedMail]:
    return [render(mail) for mail in SENT]


@pytest.mark.parametrize("shape", [Shape(1, 3), Shape(10, 2), Shape(4, 10, pipelining=True)], ids=str)
async def test_every_mail_arrives_once_and_unchanged(serve: Serve, shape: Shape) -> None:
    sink, target = await serve()
    tally = await send_all(target, _mails(), shape, limit=30)
    expected = [mail for mail in SENT if mail.user != 3]
    assert tally.accepted == len(expected) == len(tally.durations)
    assert tally.refused == len(SENT) - len(expected)
    assert next(iter(tally.refusals)) == "RCPT: 451 4.2.1 not now"
    assert sorted(bytes(entry.original_content or b"") for entry in sink.received) == sorted(
        mail.data for mail in expected
    )
    assert {entry.mail_from for entry in sink.received} == {mail.reverse_path for mail in expected}


async def test_starttls(serve: Serve, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    sink, target = await serve(tls_context=context, require_starttls=True)
    tally = await send_all(dataclasses.replace(target, starttls=True), _mails()[:3], Shape(1), limit=30)
    assert tally.accepted + tally.refused == 3 and len(sink.received) == tally.accepted > 0


async def test_a_server_that_does_not_answer_is_reported(unused_tcp_port: int) -> None:
    target = Target(smtp_port=unused_tcp_port)
    with pytest.raises(OSError):
        await open_session(target)


async def test_a_greeting_that_refuses_is_a_refusal() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.3.2 closed\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        with pytest.raises(Refused, match="554"):
            await open_session(Target(smtp_port=server.sockets[0].getsockname()[1]))


async def test_a_server_that_hangs_up_in_the_middle_is_counted() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250 hello\r\n")
        await reader.readline()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        target = Target(smtp_port=server.sockets[0].getsockname()[1])
        tally = await send_all(target, _mails()[:4], Shape(2, 10), limit=30)
    assert tally.accepted == 0 and tally.refusals == {"MAIL: connection lost": 4, "not tried": 0}


async def test_the_driver_uses_little_cpu() -> None:
    """With more than half a millisecond of CPU for a message the load test would measure itself.

    The server only looks for the final dot, so the driver's share remains.
    """

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line == b"DATA\r\n":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 OK\r\n")

    rendered = [render(mail) for mail in mails(dataclasses.replace(PROFILE, attachment_share=0.0, largest=16384), 300)]
    async with await asyncio.start_server(swallow, "127.0.0.1", 0, limit=2**20) as server:
        target = Target(smtp_port=server.sockets[0].getsockname()[1])
        began = time.process_time()
        tally = await send_all(target, rendered, Shape(10, 10), limit=30)
        spent = time.process_time() - began
    assert tally.accepted == 300
    # This process also runs the server, on the standard event loop: the limit is generous, yet far below a message's
    # cost.
    assert spent / 300 < 0.003
