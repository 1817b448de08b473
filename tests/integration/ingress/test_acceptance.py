"""A mail from the first byte to the bus, over the wire."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path

from tests.integration.ingress.server import running
from tests.parts.nats import NatsServer

MAIL = b"From: bob@sender.example\r\nTo: ann@example.org\r\nSubject: hello\r\nMessage-ID: <1@sender.example>\r\n\r\nHello Ann\r\n"


def send(port: int, message: bytes = MAIL, *recipients: str) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        return client.sendmail("bob@sender.example", recipients or ("ann@example.org",), message)


async def test_a_mail_is_accepted_and_published(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        await asyncio.to_thread(send, server.port(25))
        event = await asyncio.wait_for(server.received.get(), 10)
        assert event.reverse_path == "bob@sender.example"
        assert [one.address for one in event.recipients] == ["ann@example.org"]
        assert await server.body(event.message.blob) == MAIL
        assert event.message.subject == "hello"
        assert event.message.prefix.startswith(b"Received: from ")
        assert b"Authentication-Results: mx.example.org" in event.message.prefix
        assert {check.name for check in event.checks} == {"spf", "dkim", "dmarc"}
