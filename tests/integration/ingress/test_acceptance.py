"""A mail from its first octet to the bus, over a real connection."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from loadtest.content.mail import mail
from loadtest.content.profile import Profile
from loadtest.content.senders import sender_domain
from loadtest.zone.answers import Faults
from loadtest.zone.load_zone import load_zone
from loadtest.zone_server import ZoneServer
from services.ingress.handlers.receptions import Receptions
from shared.blobs.errors import BlobStoreFull
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import BlobRef
from shared.events.mail import MailReceived
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Provenance, Recorded
from shared.protocol.message.scan import decode_scan
from tests.harness.waiting import PATIENCE
from tests.integration.ingress.client import connected
from tests.integration.ingress.directory import PASSWORD
from tests.integration.ingress.server import running
from tests.parts.nats import NatsServer

MAIL = (
    b"From: bob@sender.example\r\nTo: ann@example.org\r\nSubject: hello\r\nMessage-ID: "
    b"<1@sender.example>\r\n\r\nHello Ann\r\n"
)
PLAIN = base64.b64encode(f"\0ann@example.org\0{PASSWORD}".encode()).decode()


async def test_a_mail_is_accepted_and_published(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        reply = await client.mail(MAIL)
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert reply == f"250 2.0.0 Accepted as {event.queue_id}\r\n".encode()
        assert event.reverse_path == "bob@sender.example"
        assert [recipient.address for recipient in event.recipients] == ["ann@example.org"]
        assert await server.body(event.message.blob) == MAIL
        assert event.message.size == len(MAIL)
        assert (event.message.subject, event.message.author, event.message.message_id) == (
            "hello",
            "bob@sender.example",
            "1@sender.example",
        )
        assert event.message.prefix.startswith(
            b"Received: from client.example ([127.0.0.1])\r\n\tby mx.example.org (Mailfold) with ESMTP id "
        )
        assert event.client.listener == "smtp"
        assert decode_scan((await server.blobs.read(event.message.blob)).scan).size == len(MAIL)


async def test_dsn_parameters_are_kept(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        await client.say("MAIL FROM:<bob@sender.example> RET=HDRS ENVID=QQ+2B1")
        await client.say("RCPT TO:<ann@example.org> NOTIFY=DELAY,SUCCESS ORCPT=rfc822;a+2Bb@example.net")
        await client.say("DATA")
        await client.say(MAIL + b".")
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert (event.ret, event.envid) == ("HDRS", "QQ+1")
        assert event.recipients[0].notify == "SUCCESS,DELAY"
        assert event.recipients[0].orcpt == "rfc822;a+b@example.net"


async def test_requiretls_is_kept(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        async with connected(server.port(25)) as client:
            await client.hello()
            await client.start_tls()
            await client.say("MAIL FROM:<bob@sender.example> REQUIRETLS")
            await client.say("RCPT TO:<ann@example.org>")
            await client.say("DATA")
            await client.say(MAIL + b".")
            assert (await asyncio.wait_for(server.received.get(), PATIENCE)).require_tls
            await client.mail(MAIL)  # the next mail of the session does not have it
            assert not (await asyncio.wait_for(server.received.get(), PATIENCE)).require_tls
        async with connected(server.port(587)) as client:
            await client.hello()
            await client.start_tls()
            await client.say(f"AUTH PLAIN {PLAIN}")
            await client.say("MAIL FROM:<ann@example.org> REQUIRETLS")
            await client.say("RCPT TO:<carl@elsewhere.example>")
            await client.say("DATA")
            await client.say(b"From: ann@example.org\r\n\r\nhi\r\n.")
            assert (await asyncio.wait_for(server.submitted.get(), PATIENCE)).require_tls


async def test_forged_results_of_ours_are_removed(nats_server: NatsServer, tmp_path: Path) -> None:
    forged = b"Authentication-Results: mx.example.org;\r\n dkim=pass header.d=bank.example\r\n"
    others = b"Authentication-Results: other.example; spf=pass\r\n"
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        await client.mail(others + forged + MAIL)
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert await server.body(event.message.blob) == others + MAIL


async def test_spf_dkim_and_dmarc_pass_and_are_reported(nats_server: NatsServer, tmp_path: Path) -> None:
    profile = Profile(domain="example.org", signed_share=1.0, attachment_share=0.0)
    signed = mail(profile, 0)
    data = b"".join(b"." + line if line.startswith(b".") else line for line in signed.data.splitlines(keepends=True))
    async with (
        ZoneServer(load_zone("example.org")) as zone,
        running(nats_server.url, tmp_path, resolver=zone.address) as server,
    ):
        async with connected(server.port(25)) as client:
            await client.hello()
            await client.mail(data, sender=signed.reverse_path)
            event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert {check.name: check.result for check in event.checks} == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}
        spf = event.checks[0]
        domain = signed.reverse_path.partition("@")[2]
        assert domain in {sender_domain(number) for number in range(40)}
        assert spf.detail["client"] == "127.0.0.1"
        assert any(answer.name == domain and answer.records for answer in spf.dns)
        results = event.message.prefix.partition(b"Authentication-Results:")[2]
        assert b"spf=pass" in results and b"dkim=pass" in results and b"dmarc=pass" in results


async def test_a_silent_resolver_costs_one_bounded_wait(nats_server: NatsServer, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with (
        ZoneServer(load_zone("example.org"), faults=Faults(frozenset({""}))) as zone,
        running(nats_server.url, tmp_path, resolver=zone.address) as server,
        connected(server.port(25)) as client,
    ):
        await client.hello()
        await client.mail(MAIL)
        began = loop.time()
        for _ in range(5):
            await client.mail(MAIL)
        assert loop.time() - began < 1
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert {check.name: check.result for check in event.checks} == {
            "spf": "temperror",
            "dkim": "none",
            "dmarc": "temperror",
        }


async def test_a_submitted_mail_is_completed(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, connected(server.port(587)) as client:
        await client.hello()
        await client.start_tls()
        assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith(b"235")
        assert (
            await client.mail(b"Subject: x\r\n\r\nhi\r\n", "carl@elsewhere.example", sender="ann@example.org")
        ).startswith(b"250")
        event = await asyncio.wait_for(server.submitted.get(), PATIENCE)
        assert (event.user, event.account, event.client.protocol) == ("u1", "a1", "ESMTPSA")
        for field in (b"with ESMTPSA id", b"Message-ID: <q", b"Date: ", b"From: <ann@example.org>"):
            assert field in event.message.prefix
        assert event.message.message_id == f"{event.queue_id}@mx.example.org"
        assert event.message.author == "ann@example.org"


async def test_ten_thousand_recipients(nats_server: NatsServer, tmp_path: Path) -> None:
    recipients = [f"ann+{number}@example.org" for number in range(10_001)]
    async with running(nats_server.url, tmp_path, max_recipients="10000", max_envelope_bytes="700000") as server:
        async with connected(server.port(25), limit=2**20) as client:
            await client.hello()
            await client.say("MAIL FROM:<bob@sender.example>")
            client.writer.write("".join(f"RCPT TO:<{recipient}>\r\n" for recipient in recipients).encode())
            replies = [await client.reply() for _ in recipients]
            assert sum(reply.startswith(b"250") for reply in replies) == 10_000
            assert replies[-1].startswith(b"452 4.5.3")
            await client.say("DATA")
            assert (await client.say(MAIL + b".")).startswith(b"250")
        event = await asyncio.wait_for(server.received.get(), PATIENCE)
        assert len(event.recipients) == 10_000


async def test_a_full_disk_defers_and_the_session_goes_on(nats_server: NatsServer, tmp_path: Path) -> None:
    blobs = FullBlobs("g0001")
    async with running(nats_server.url, tmp_path, blobs=blobs) as server, connected(server.port(25)) as client:
        await client.hello()
        blobs.is_full = True
        assert (await client.mail(MAIL)).startswith(b"452 4.3.1 ")
        assert (await client.say("NOOP")).startswith(b"250")
        blobs.is_full = False
        assert (await client.mail(MAIL)).startswith(b"250")


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_a_mail_that_the_store_does_not_take_leaves_no_blob_but_in_doubt(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_doubt: bool
) -> None:
    """In doubt the event may have been committed, and then it needs its blob."""

    async def refuse(self: Receptions, event: MailReceived, reason: Provenance, check: object) -> Recorded:
        raise StoreUnavailable("the disk is full", in_doubt=in_doubt)

    monkeypatch.setattr(Receptions, "accept", refuse)
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        assert (await client.mail(MAIL)).startswith(b"451 4.3.0 ")
        assert bool([path for path in server.host.places.blobs.rglob("*") if path.is_file()]) is in_doubt


async def test_a_directory_that_is_down_defers_only_unknown_recipients(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await client.hello()
        await client.mail(MAIL)
        server.directory.is_down = True
        await client.say("MAIL FROM:<bob@sender.example>")
        assert (await client.say("RCPT TO:<nobody@example.org>")).startswith(b"451 4.3.0 ")
        assert (await client.say("RCPT TO:<ann@example.org>")).startswith(b"250")


async def test_a_known_recipient_is_not_asked_for(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server, connected(server.port(25)) as client:
        await asyncio.wait_for(server.ingress.follower.caught_up.wait(), PATIENCE)
        await client.hello()
        await client.mail(MAIL, "ann@example.org", "info@example.org", "ann+tag@example.org")
        assert "Resolve" not in server.directory.asked


class FullBlobs(MemoryBlobs):
    """A blob store whose disk can be full."""

    is_full = False

    def writer(self, limit: int | None = None):  # type: ignore[no-untyped-def]
        writer = super().writer(limit)
        if self.is_full:
            return _Refusing(writer)
        return writer


class _Refusing:
    def __init__(self, inner) -> None:  # type: ignore[no-untyped-def]
        self._inner = inner

    def write(self, chunk: bytes) -> None:
        self._inner.write(chunk)

    async def commit(self, scan: bytes) -> BlobRef:
        raise BlobStoreFull("no space left on device")

    def abort(self) -> None:
        self._inner.abort()
