"""Input that arrives before the reply it must wait for (RFC 2920) ends a session on port 25, depending on a setting."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from tests.harness.waiting import PATIENCE
from tests.integration.ingress.client import Client, connected
from tests.integration.ingress.directory import PASSWORD
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import MAIL
from tests.parts.certificate import trusting
from tests.parts.nats import NatsServer

HELLO = b"EHLO client.example\r\n"
ENVELOPE = b"MAIL FROM:<bob@sender.example>\r\nRCPT TO:<ann@example.org>\r\n"
REFUSAL = b"554 5.5.0 You must wait for the reply here (ref "
PLAIN = base64.b64encode(f"\0ann@example.org\0{PASSWORD}".encode())


async def ended(client: Client, early: bytes) -> bytes:
    """Send the input in one write; returns all replies until the server closes."""
    client.writer.write(early)
    return await asyncio.wait_for(client.reader.read(), PATIENCE)


async def nothing_was_taken(server: Running) -> bool:
    return server.received.empty() and not await server.ingress.receptions.listed(10)


@pytest.mark.parametrize(
    "early",
    [
        ENVELOPE + b"DATA\r\n" + MAIL + b".\r\n",
        ENVELOPE + b"DATA\r\nx",
        ENVELOPE + b"DATA\r\n" + MAIL + b".\r\n" + ENVELOPE + b"BDAT 3 LAST\r\nabc",
        b"DATA\r\n" + MAIL + b".\r\n",
        b"EHLO again.example\r\n" + ENVELOPE,
        b"STARTTLS\r\n" + ENVELOPE,
    ],
)
async def test_from_outside_it_ends_the_session(nats_server: NatsServer, tmp_path: Path, early: bytes) -> None:
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        said = await ended(client, early)
        assert said.splitlines()[-1].startswith(REFUSAL)
        assert b"Accepted" not in said and b"354" not in said
        assert await nothing_was_taken(server)


async def test_the_first_greeting_must_be_waited_for_too(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        assert (await client.reply()).startswith(b"220")
        assert (await ended(client, HELLO + ENVELOPE)).startswith(REFUSAL)


async def test_groups_and_chunks_are_in_time(nats_server: NatsServer, tmp_path: Path) -> None:
    """RFC 2920 §3.1: DATA may end a group, and content may begin one. RFC 3030: the octets of a chunk follow BDAT."""
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        client.writer.write(ENVELOPE + b"DATA\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == [b"250", b"250", b"354"]
        client.writer.write(MAIL + b".\r\nRSET\r\n" + ENVELOPE + b"DATA\r\n")
        assert [(await client.reply())[:3] for _ in range(5)] == [b"250"] * 4 + [b"354"]
        chunk = b"BDAT %d LAST\r\n" % len(MAIL) + MAIL
        client.writer.write(MAIL + b".\r\n" + ENVELOPE + chunk + ENVELOPE + chunk + b"QUIT\r\n")
        assert [(await client.reply())[:3] for _ in range(8)] == [b"250"] * 7 + [b"221"]
        taken = [await asyncio.wait_for(server.received.get(), PATIENCE) for _ in range(4)]
        assert {event.message.size for event in taken} == {len(MAIL)}


@pytest.mark.parametrize(("setting", "is_taken"), [("true", False), ("false", True)])
async def test_a_setting_allows_it_from_outside(
    nats_server: NatsServer, tmp_path: Path, setting: str, is_taken: bool
) -> None:
    async with (
        running(nats_server.url, tmp_path, enforce_sync_outside=setting) as server,
        connected(server.port(25)) as client,
    ):
        assert (await client.reply()).startswith(b"220")
        said = await ended(client, HELLO + ENVELOPE + b"DATA\r\n" + MAIL + b".\r\nQUIT\r\n")
        assert (b"Accepted as q" in said) is is_taken


@pytest.mark.parametrize(("setting", "is_taken"), [("true", False), ("false", True)])
async def test_users_programs_may_by_default(
    nats_server: NatsServer, tmp_path: Path, setting: str, is_taken: bool
) -> None:
    """A user is known, so a program that does not wait is no sign of abuse."""
    whole = HELLO + b"AUTH PLAIN " + PLAIN + b"\r\nMAIL FROM:<ann@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n"
    async with (
        running(nats_server.url, tmp_path, enforce_sync_submission=setting) as server,
        connected(server.port(465), trusting()) as client,
    ):
        assert server.host.section(type(server.ingress._settings)).enforce_sync_submission is (setting == "true")
        assert (await client.reply()).startswith(b"220")
        said = await ended(client, whole + b"Subject: x\r\n\r\n.\r\nQUIT\r\n")
        assert (b"Accepted as q" in said) is is_taken
        assert (REFUSAL in said) is not is_taken
