"""Every refusal is an event that can be found by its reference, and an attack does not fill the store."""

from __future__ import annotations

import re
from pathlib import Path

from shared.blobs.disk_room import measured
from shared.events.mail import MailRefused
from shared.rpc.mailfold.owner.v1.owner_pb2 import ReportRequest
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.harness.waiting import until_true
from tests.integration.ingress.client import connected
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import MAIL
from tests.parts.nats import NatsServer

_REFERENCE = re.compile(rb"\(ref ([0-9A-Z]{10})\)\r\n\Z")


async def refusals(server: Running) -> list[MailRefused]:
    await server.ingress.refusals.flush()
    heads = await server.ingress.store.heads()
    events = [event for shard in heads for event in await server.ingress.store.read_events(shard, 0)]
    return [event.event for event in events if isinstance(event.event, MailRefused)]


async def a_refusal_is_left(server: Running) -> bool:
    return len(server.ingress.listeners.all[0]) == 1


def reference(reply: bytes) -> str:
    uids = _REFERENCE.search(reply)
    assert uids, reply
    return uids[1].decode()


async def test_references_lead_to_events(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, max_hops="10") as server, connected(server.port(25)) as client:
        await client.hello()
        unknown = await client.say("FNORD")
        await client.say("MAIL FROM:<bob@sender.example>")
        nobody = await client.say("RCPT TO:<nobody@example.org>")
        await client.say("RCPT TO:<ann@example.org>")
        await client.say("DATA")
        loop = await client.say(b"Received: x\r\n" * 11 + MAIL + b".")
        kept = {refusal.reference: refusal for log_event in await refusals(server) for refusal in log_event.refusals}
        assert kept[reference(unknown)].stage == "mail"
        result = kept[reference(nobody)]
        assert (result.stage, result.code, result.enhanced) == ("rcpt", 550, "5.1.1")
        assert (result.sender, result.recipient) == ("bob@sender.example", "nobody@example.org")
        assert (kept[reference(loop)].stage, kept[reference(loop)].cause) == ("message", "11 Received fields")


async def test_under_attack_the_rest_is_counted(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, refusals_detailed="3", max_bad_commands="1000") as server:
        async with connected(server.port(25)) as client:
            await client.hello()
            for _ in range(50):
                await client.say("FNORD")
        kept = await refusals(server)
        assert sum(len(log_event.refusals) for log_event in kept) == 3
        assert sum(log_event.more for log_event in kept) == 47


async def test_too_many_connections_are_refused_with_a_reply(nats_server: NatsServer, tmp_path: Path) -> None:
    async with (
        running(nats_server.url, tmp_path, max_connections="2") as server,
        connected(server.port(25)) as entry,
        connected(server.port(25)) as two,
    ):
        assert (await entry.reply()).startswith(b"220") and (await two.reply()).startswith(b"220")
        async with connected(server.port(25)) as third:
            reply = await third.reply()
            assert reply.startswith(b"421 4.7.0 Too many connections")
            assert await third.reader.read() == b""
        assert [refusal.reference for log_event in await refusals(server) for refusal in log_event.refusals] == [
            reference(reply)
        ]
        await entry.say("QUIT")
        await entry.reader.read()
        await until_true(lambda: a_refusal_is_left(server))
        async with connected(server.port(25)) as fourth:
            assert (await fourth.reply()).startswith(b"220")


async def test_without_room_on_the_disk_mail_waits_before_its_body_comes(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    async with (
        running(nats_server.url, tmp_path, reserve_bytes=str(2**50)) as server,
        connected(server.port(25)) as client,
    ):
        await client.hello()
        refused = await client.say("MAIL FROM:<bob@sender.example>")
        assert refused.startswith(b"452 4.3.1 ")
        assert (await client.say("RCPT TO:<ann@example.org>")).startswith(b"503")
        [refusal] = [
            result for log_event in await refusals(server) for result in log_event.refusals if result.code == 452
        ]
        assert refusal.reference == reference(refused) and refusal.cause.endswith(f"{2**50} are kept in reserve")
        owner = OwnerStub(server.host.channel("ingress", "operator"))
        report = await owner.Report(ReportRequest())
        assert report.state.startswith("takes no mail") and report.counts["disk_free_mib"] > 0


async def test_a_message_announced_as_larger_than_the_room_waits(nats_server: NatsServer, tmp_path: Path) -> None:
    free = measured(tmp_path).free
    settings = {"reserve_bytes": str(free - 2**25), "max_message_bytes": str(2**31)}
    async with running(nats_server.url, tmp_path, **settings) as server, connected(server.port(25)) as client:
        await client.hello()
        assert (await client.say(f"MAIL FROM:<bob@sender.example> SIZE={2**31}")).startswith(b"452 4.3.1 ")
