"""Clients that are slow, silent, disruptive or disconnected."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections import Counter
from pathlib import Path

import pytest

from services.ingress.endpoints.connection import SmtpConnection
from shared.protocol.smtp.events import Answered, Event
from tests.harness.waiting import PATIENCE
from tests.integration.ingress.client import connected
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import MAIL
from tests.parts.certificate import trusting
from tests.parts.nats import NatsServer


async def until_empty(server: Running) -> None:
    await asyncio.wait_for(
        asyncio.gather(*(listener.emptied.wait() for listener in server.ingress.listeners.all)), PATIENCE
    )


async def test_silence_is_ended(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, command_timeout="1", data_timeout="1") as server:
        async with connected(server.port(25)) as silent, connected(server.port(25)) as midway:
            await midway.hello()
            await midway.envelope()
            midway.writer.write(b"From: bob@sender.exam")
            assert (await silent.reply()).startswith(b"220")
            for client in (silent, midway):
                assert (await client.reply()).startswith(b"421 4.4.2 ")
                assert await client.reader.read() == b""
        await until_empty(server)


async def test_a_command_octet_by_octet_has_no_more_time_than_another(nats_server: NatsServer, tmp_path: Path) -> None:
    """RFC 5321 §4.5.3.2.7 gives five minutes to a command, not to each octet of it."""
    async with running(nats_server.url, tmp_path, command_timeout="1") as server:
        async with connected(server.port(25)) as client:
            assert (await client.reply()).startswith(b"220")
            answer = asyncio.ensure_future(client.reply())
            while not answer.done():
                client.writer.write(b"x")
                await asyncio.wait([answer], timeout=0.05)
            assert (await answer).startswith(b"421 4.4.2 ")
        await until_empty(server)


async def test_a_long_group_of_commands_holds_nobody_up(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts the events of one session between two turns of the event loop."""
    handled, turns = Counter[int](), itertools.count()
    turn, handle = 0, SmtpConnection._handle

    def tick() -> None:
        nonlocal turn
        turn = next(turns)
        asyncio.get_running_loop().call_soon(tick)

    async def counted(self: SmtpConnection, event: Event) -> None:
        handled[turn] += 1
        await handle(self, event)

    monkeypatch.setattr(SmtpConnection, "_handle", counted)
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        tick()
        client.writer.write(b"NOOP\r\n" * 900)
        assert {(await client.reply())[:3] for _ in range(900)} == {b"250"}
    assert handled.total() >= 900 and max(handled.values()) <= 64


async def test_a_reset_in_the_middle_leaves_nothing(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        async with connected(server.port(25)) as client:
            await client.hello()
            await client.envelope()
            client.writer.write(b"From: bob@sender.example\r\n" + b"x" * 400_000)
            await client.writer.drain()
            client.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            client.writer.transport.abort()
        await until_empty(server)
        assert not await server.ingress.receptions.listed(10)
        assert [
            path for path in server.host.places.blobs.rglob("*") if path.is_file() and path.stat().st_size > 1000
        ] == []


async def test_a_half_closed_client_gets_its_answers(nats_server: NatsServer, tmp_path: Path) -> None:
    settings = {"enforce_sync_outside": "false"}  # all at once, as an old script may send it
    async with running(nats_server.url, tmp_path, **settings) as server, connected(server.port(25)) as client:
        commands = b"EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n" + MAIL + b".\r\nQUIT\r\n"
        client.writer.write(commands)
        client.writer.write_eof()
        said = await asyncio.wait_for(client.reader.read(), PATIENCE)
        assert b"\r\n250 2.0.0 Accepted as q" in said and said.endswith(b"221 2.0.0 Bye\r\n")


async def test_commands_that_came_with_the_end_are_answered(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the input and its end arrive while a command is handled, before further replies are due."""
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        handle = SmtpConnection._handle

        async def slow(connection: SmtpConnection, event: Event) -> None:
            await handle(connection, event)
            if isinstance(event, Answered):
                client.writer.write(b"QUIT\r\n")
                client.writer.write_eof()
                async with asyncio.timeout(PATIENCE):
                    while not connection._wire.is_over:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)

        monkeypatch.setattr(SmtpConnection, "_handle", slow)
        client.writer.write(b"NOOP\r\n")
        said = await asyncio.wait_for(client.reader.read(), PATIENCE)
        assert said.endswith(b"221 2.0.0 Bye\r\n")


@pytest.mark.parametrize("port", [465, 587])
async def test_what_is_no_handshake_ends_the_connection(nats_server: NatsServer, tmp_path: Path, port: int) -> None:
    async with running(nats_server.url, tmp_path) as server:
        async with connected(server.port(port)) as client:
            if port == 587:
                await client.hello()
                assert (await client.say("STARTTLS")).startswith(b"220")
            client.writer.write(b"EHLO client.example\r\nNOOP\r\n" * 10)
            assert b"250" not in await asyncio.wait_for(client.reader.read(), PATIENCE)
        await until_empty(server)
        async with connected(server.port(465), trusting()) as after:
            assert (await after.reply()).startswith(b"220")


async def test_injected_commands_are_not_run(nats_server: NatsServer, tmp_path: Path) -> None:
    """CVE-2011-0411: input that was sent without TLS after STARTTLS, where it does not end the session."""
    settings = {"enforce_sync_outside": "false"}
    async with running(nats_server.url, tmp_path, **settings) as server, connected(server.port(25)) as client:
        await client.hello()
        client.writer.write(b"STARTTLS\r\nNOOP\r\n")
        assert (await client.reply()).startswith(b"220")
        await client.writer.start_tls(trusting())
        assert (await client.say("EHLO client.example")).startswith(b"250-mx.example.org")


async def test_an_early_oversize_is_not_stored(nats_server: NatsServer, tmp_path: Path) -> None:
    async with (
        running(nats_server.url, tmp_path, max_message_bytes="65536") as server,
        connected(server.port(25)) as client,
    ):
        await client.hello()
        assert (await client.mail(MAIL + b"x" * 70_000 + b"\r\n")).startswith(b"552 5.3.4 ")
        assert (await client.mail(MAIL)).startswith(b"250")


async def test_eight_bit_headers_and_nul_pass(nats_server: NatsServer, tmp_path: Path) -> None:
    wild = (
        b"From: bob@sender.example\r\nSubject: \xff\xfe gr\xfc\xdfe\r\nX-\xe4: 1\r\nno field at all\r\n\r\n\x00\xff\r\n"
    )
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        assert (await client.mail(wild)).startswith(b"250")
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert await server.body(event.message.blob) == wild
        assert event.message.eight_bit


async def test_a_stop_says_goodbye_and_finishes_what_is_under_way(nats_server: NatsServer, tmp_path: Path) -> None:
    async with (
        running(nats_server.url, tmp_path) as server,
        connected(server.port(25)) as idle,
        connected(server.port(25)) as busy,
    ):
        await idle.hello()
        await busy.hello()
        await busy.envelope()
        stopping = asyncio.create_task(server.ingress.listeners.stop(10 * PATIENCE))
        assert (await idle.reply()).startswith(b"421 4.3.2 ")
        assert (await busy.say(MAIL + b".")).startswith(b"250")
        assert (await busy.reply()).startswith(b"421 4.3.2 ")
        await asyncio.wait_for(stopping, PATIENCE)
