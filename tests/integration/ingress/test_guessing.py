"""A client that guesses recipients is slowed down and disconnected, and the directory is not called for each guess."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from services.ingress.endpoints.connection import SmtpConnection
from shared.events import directory as directory_events
from shared.network.wire import Wire
from tests.harness.waiting import PATIENCE, until_true
from tests.integration.ingress.client import Client, connected
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import MAIL
from tests.parts.nats import NatsServer

FAST = {"refusal_pause": "0"}


async def guess(client: Client, count: int) -> list[bytes]:
    """Send RCPT for so many unknown names in one write; returns the replies until the server closes, or all of them."""
    assert (await client.say("MAIL FROM:<bob@sender.example>")).startswith(b"250")
    client.writer.write(b"".join(b"RCPT TO:<guess%d@example.org>\r\n" % number for number in range(count)))
    replies: list[bytes] = []
    while len(replies) < count and (reply := await client.reply()):
        replies.append(reply)
    return replies


async def is_taken(client: Client, address: str) -> bool:
    return (await client.say(f"RCPT TO:<{address}>")).startswith(b"250")


def asked(server: Running) -> int:
    return server.directory.asked.get("Resolve", 0)


async def test_twelve_thousand_guesses_in_one_session_are_twenty(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **FAST) as server, connected(server.port(25)) as client:
        await asyncio.wait_for(server.ingress.follower.caught_up.wait(), PATIENCE)
        await client.hello()
        replies = await guess(client, 12_000)
        assert [reply[:10] for reply in replies] == [b"550 5.1.1 "] * 20 + [b"421 4.7.0 "]
        assert await client.reader.read() == b""
        assert asked(server) == 21


async def test_each_refusal_is_slower_than_the_one_before(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session reads nothing meanwhile. The test counts the pauses that were requested."""
    pauses: list[float] = []

    async def pause(self: Wire, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(Wire, "pause", pause)
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        await guess(client, 9)
        assert pauses == pytest.approx([0.1 * number for number in range(1, 10)])
        await client.say("RCPT TO:<ann@example.org>")
        await client.say("DATA")
        await client.say(MAIL + b".")
        await guess(client, 1)
        assert len(pauses) == 10 and pauses[-1] == pytest.approx(0.1)


async def test_a_paused_session_takes_no_more_input(nats_server: NatsServer, tmp_path: Path) -> None:
    """Ten megabytes after a refused recipient are not read from the sender."""
    async with running(nats_server.url, tmp_path, refusal_pause="1") as server, connected(server.port(25)) as client:
        await client.hello()
        await client.say("MAIL FROM:<bob@sender.example>")
        client.writer.write(b"RCPT TO:<nobody@example.org>\r\n" + b"NOOP\r\n" * 1_700_000)
        [slot] = server.ingress.listeners.all[0]
        connection = cast(SmtpConnection, slot.occupant)
        for _ in range(200):
            await asyncio.sleep(0)
        assert connection._session.buffered < 1_000_000
        assert connection._wire._is_paused


async def test_many_sessions_of_one_network_ask_no_more_than_one_may(nats_server: NatsServer, tmp_path: Path) -> None:
    """Above the limit known recipients are still accepted; others are answered 450, because they may be new."""
    async with running(nats_server.url, tmp_path, unknown_recipients="30", **FAST) as server:
        await asyncio.wait_for(server.ingress.follower.caught_up.wait(), PATIENCE)
        for _ in range(2):
            async with connected(server.port(25)) as client:
                await client.hello()
                await guess(client, 15)
        async with connected(server.port(25)) as client:
            await client.hello()
            replies = await guess(client, 200)
            assert {reply[:10] for reply in replies} == {b"450 4.7.1 ", b"421 4.7.0 "}
            assert len(replies) == 21
        assert asked(server) == 30
        async with connected(server.port(25)) as client:
            await client.hello()
            assert (await client.mail(MAIL)).startswith(b"250")
            await client.say("MAIL FROM:<bob@sender.example>")
            assert (await client.say("RCPT TO:<new@example.org>")).startswith(b"450 ")
            server.directory.add(directory_events.AccountAdded("a9", "new@example.org", "u9"))
            server.ingress.follower.wake()
            await until_true(lambda: is_taken(client, "new@example.org"))


async def test_an_account_made_a_moment_ago_is_never_unknown(nats_server: NatsServer, tmp_path: Path) -> None:
    """It was refused before, and is named again before its event was followed; no refusal is cached."""
    async with running(nats_server.url, tmp_path, **FAST) as server, connected(server.port(25)) as client:
        await asyncio.wait_for(server.ingress.follower.caught_up.wait(), PATIENCE)
        await client.hello()
        await client.say("MAIL FROM:<bob@sender.example>")
        assert (await client.say("RCPT TO:<new@example.org>")).startswith(b"550 5.1.1 ")
        server.directory.add(directory_events.AccountAdded("a9", "new@example.org", "u9"))
        assert (await client.say("RCPT TO:<new@example.org>")).startswith(b"250")
