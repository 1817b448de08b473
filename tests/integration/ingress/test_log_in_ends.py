"""A submission session cannot send mail after the directory has ended its log-in."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from shared.events import directory as directory_events
from shared.eventstore.event import Event
from tests.harness.waiting import until_true
from tests.integration.ingress.client import Client, connected
from tests.integration.ingress.directory import PASSWORD
from tests.integration.ingress.server import Running, running
from tests.parts.certificate import trusting
from tests.parts.nats import NatsServer

PLAIN = base64.b64encode(f"\0ann@example.org\0{PASSWORD}".encode()).decode()
MAIL = b"From: ann@example.org\r\n\r\nHello\r\n."
ENDINGS = {
    "password": (directory_events.UserPasswordChanged("u1", ""), b"421 4.7.0 The password was changed; log in again"),
    "disabled": (directory_events.UserSwitched("u1", True), b"421 4.7.0 This account was switched off"),
}


async def ended(server: Running, event: Event) -> None:
    """Append an event and let the ingress follow it."""
    server.directory.add(event)
    server.ingress.follower.wake()

    async def followed() -> bool:
        return not await server.ingress.follower.lag()

    await until_true(followed)


async def log_in(client: Client) -> None:
    await client.hello()
    assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith(b"235")


@pytest.mark.parametrize("how", ENDINGS)
async def test_the_next_mail_is_refused_and_the_session_closed(
    nats_server: NatsServer, tmp_path: Path, how: str
) -> None:
    event, reported = ENDINGS[how]
    async with running(nats_server.url, tmp_path) as server, connected(server.port(465), trusting()) as client:
        await log_in(client)
        assert (await client.say("MAIL FROM:<ann@example.org>")).startswith(b"250")
        await client.say("RSET")
        await ended(server, event)
        assert (await client.say("MAIL FROM:<ann@example.org>")).startswith(reported)
        assert await client.reader.read() == b""


async def test_a_mail_that_was_begun_before_is_not_accepted_after(nats_server: NatsServer, tmp_path: Path) -> None:
    event, reported = ENDINGS["password"]
    async with running(nats_server.url, tmp_path) as server, connected(server.port(465), trusting()) as client:
        await log_in(client)
        for line in ("MAIL FROM:<ann@example.org>", "RCPT TO:<bob@example.org>", "DATA"):
            await client.say(line)
        await ended(server, event)
        assert (await client.say(MAIL)).startswith(reported)
        assert server.submitted.empty()
