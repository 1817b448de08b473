"""The largest accepted envelope fits into a bus message, and a larger one is refused before it is accepted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.ingress.domain import accepted
from shared.events.mail import LARGEST_RECEPTION
from shared.eventstore.event import encode
from tests.harness.waiting import PATIENCE
from tests.integration.ingress.client import Client, connected
from tests.integration.ingress.server import running
from tests.integration.ingress.test_acceptance import MAIL
from tests.parts.nats import NatsServer

MAX = {"max_envelope_bytes": "700000", "max_recipients": "50000"}


async def fill(client: Client, parameters: str, count: int) -> int:
    """Send RCPT for so many; returns how many were accepted.

    The others must be answered 452, so that the client sends them in another mail.
    """
    await client.say("MAIL FROM:<bob@sender.example> RET=HDRS ENVID=" + "x" * 100)
    lines = [f"RCPT TO:<ann+{number}@example.org>{parameters}\r\n".encode() for number in range(count)]
    client.writer.write(b"".join(lines))
    replies = [(await client.reply())[:10] for _ in range(count)]
    assert set(replies) <= {b"250 2.1.5 ", b"452 4.5.3 "}
    return replies.count(b"250 2.1.5 ")


@pytest.mark.parametrize("settings", [{}, MAX], ids=["default", "largest"])
@pytest.mark.parametrize(
    ("parameters", "count", "least"),
    [
        (' ORCPT=rfc822;"' + '"' * 480, 962, 400),
        (" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;" + "\\" * 490, 962, 400),
        ("", 1000, 1000),
    ],
    ids=["quotes", "backslashes", "bare"],
)
async def test_the_largest_accepted_envelope_leaves(
    nats_server: NatsServer, tmp_path: Path, parameters: str, count: int, least: int, settings: dict[str, str]
) -> None:
    """ORCPT may have 500 characters, each of which may take two octets in the event.

    962 of them made an event of more than 1 MiB, which was accepted and never published.
    """
    async with running(nats_server.url, tmp_path, **settings) as server:
        async with connected(server.port(25), limit=2**20) as client:
            await client.hello()
            taken = await fill(client, parameters, count)
            await client.say("DATA")
            assert (await client.say(MAIL + b".")).startswith(b"250 2.0.0 Accepted")
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert len(event.recipients) == taken >= least
        assert len(encode(event)) <= LARGEST_RECEPTION


async def test_what_would_not_leave_is_refused_and_leaves_no_blob(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever makes the event large, it is measured in the form in which it is sent."""
    monkeypatch.setattr(accepted, "LARGEST_RECEPTION", 2500)
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        header = b"Subject: " + b"long " * 250 + b"\r\n"
        assert (await client.mail(header + MAIL)).startswith(b"552 5.3.4 Envelope and header are too large")
        assert not await server.ingress.receptions.listed(10)
        assert [path for path in server.host.places.blobs.rglob("*") if path.is_file()] == []
        assert (await client.mail(MAIL)).startswith(b"250")
