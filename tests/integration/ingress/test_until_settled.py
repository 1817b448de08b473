"""A reception is repeated until it is settled, and rarely while it is held; a restart or a wiped bus loses nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import msgspec

from shared.bus.subjects import SETTLED
from shared.events.mail import MailReceived, MailSettled, Outcome
from shared.rpc.mailfold.ingress.v1 import ingress_pb2 as pb
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from tests.harness.waiting import PATIENCE, until_true
from tests.integration.ingress.client import connected
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import MAIL
from tests.parts.nats import NatsServer

SOON = {"repeat_first": "0.2", "repeat_longest": "1"}


async def accepted(server: Running) -> MailReceived:
    async with connected(server.port(25)) as client:
        await client.hello()
        await client.mail(MAIL)
    return await asyncio.wait_for(server.received.get(), PATIENCE)


async def settle(server: Running, event: MailReceived, message_id: str = "s1") -> None:
    log_event = MailSettled(event.queue_id, (Outcome("ann@example.org", "delivered"),))
    await server.bus.publish(SETTLED.on(0), message_id, msgspec.json.encode(log_event))


async def until_left(server: Running, count: int) -> None:
    async def is_so() -> bool:
        return len(await server.ingress.receptions.listed(20)) == count

    await until_true(is_so)


async def has_dead_letters(server: Running, steps: list[str]) -> bool:
    return [dead_letter.what for dead_letter in await server.ingress.dead_letters.waiting()] == steps


def stub(server: Running) -> IngressStub:
    return IngressStub(server.host.channel("ingress", "operator"))


async def test_repeated_until_settled(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server:
        event = await accepted(server)
        for _ in range(2):
            assert await asyncio.wait_for(server.received.get(), PATIENCE) == event
        await settle(server, event)
        await until_left(server, 0)
        assert (await stub(server).Hold(pb.HoldRequest(queue_id=event.queue_id, held=True))).settled
        await settle(server, event, "s2")  # a repeated settlement changes nothing
        while not server.received.empty():
            server.received.get_nowait()
        log_events = await server.ingress.store.read_stream(event.queue_id)
        assert [log_event.event.stored_name for log_event in log_events] == ["mail.received", "mail.settled"]
        assert {log_event.provenance.correlation for log_event in log_events} == {event.queue_id}
        assert not (await server.ingress.store.verify()).differences


async def test_a_held_reception_rests_until_it_is_resumed(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server:
        event = await accepted(server)
        for _ in range(2):
            held = await stub(server).Hold(pb.HoldRequest(queue_id=event.queue_id, held=True, reason="test"))
            assert not held.settled
        listed = (await stub(server).ListReceptions(pb.ListReceptionsRequest())).receptions
        assert [(entry.queue_id, entry.state, entry.sender, list(entry.recipients)) for entry in listed] == [
            (event.queue_id, "held", "bob@sender.example", ["ann@example.org"])
        ]
        assert await server.ingress.receptions.acceptance_of(event.queue_id) is None
        await stub(server).Hold(pb.HoldRequest(queue_id=event.queue_id, held=False))
        while not server.received.empty():
            server.received.get_nowait()
        assert await asyncio.wait_for(server.received.get(), PATIENCE) == event
        log_events = await server.ingress.store.read_stream(event.queue_id)
        assert [log_event.event.stored_name for log_event in log_events] == [
            "mail.received",
            "mail.held",
            "mail.resumed",
        ]


async def test_holding_what_is_settled_or_unknown_changes_nothing(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        assert not (await stub(server).Hold(pb.HoldRequest(queue_id="qnone", held=True))).settled
        assert not await server.ingress.store.heads()


async def test_a_restart_repeats_what_is_not_settled(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        event = await accepted(server)
    nats_server.wipe()
    async with running(nats_server.url, tmp_path) as server:
        assert await asyncio.wait_for(server.received.get(), PATIENCE) == event


async def test_a_repeat_after_a_restart_is_no_repeat_to_the_bus(nats_server: NatsServer, tmp_path: Path) -> None:
    """What was published before the restart may be lost with its worker, so the bus must not drop the repeat as a
    duplicate."""
    async with running(nats_server.url, tmp_path) as server:
        event = await accepted(server)
    async with running(nats_server.url, tmp_path) as server:
        assert await asyncio.wait_for(server.received.get(), PATIENCE) == event


async def test_a_wiped_bus_only_delays(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server:
        await accepted(server)
        await asyncio.to_thread(nats_server.wipe)
        while not server.received.empty():
            server.received.get_nowait()
        await asyncio.wait_for(server.received.get(), PATIENCE)


async def test_without_a_bus_mail_is_accepted(tmp_path: Path) -> None:
    with NatsServer() as nats:
        async with running(nats.url, tmp_path, **SOON) as server:
            nats.stop()
            async with connected(server.port(25)) as client:
                await client.hello()
                assert (await client.mail(MAIL)).startswith(b"250")
            nats.start()
            await asyncio.wait_for(server.received.get(), PATIENCE)


async def send(server: Running, count: int) -> None:
    async with connected(server.port(25)) as client:
        await client.hello()
        for _ in range(count):
            assert (await client.mail(MAIL)).startswith(b"250")


async def test_a_new_mail_does_not_wait_for_those_that_are_stuck(nats_server: NatsServer, tmp_path: Path) -> None:
    """Before, the eleventh mail was not published until one of the ten was settled."""
    async with running(nats_server.url, tmp_path, repeats_waiting="10") as server:
        await send(server, 30)
        events = [await asyncio.wait_for(server.received.get(), PATIENCE) for _ in range(30)]
        assert len({event.queue_id for event in events}) == 30


async def test_what_has_no_room_in_memory_has_its_turn_in_rounds(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, repeats_waiting="10", repeat_longest="1") as server:
        await send(server, 25)
        seen: Counter[str] = Counter()
        while len(seen) < 25 or min(seen.values()) < 4:  # once at first, then once in each round
            seen[(await asyncio.wait_for(server.received.get(), PATIENCE)).queue_id] += 1


async def test_the_first_settlement_after_a_silence_begins_a_round(nats_server: NatsServer, tmp_path: Path) -> None:
    """The worker is available again, so old mails need not wait for the end of the longest pause."""
    async with running(nats_server.url, tmp_path, repeats_waiting="10", repeat_first="299") as server:
        await send(server, 15)
        events = [await asyncio.wait_for(server.received.get(), PATIENCE) for _ in range(15)]
        await until_true(lambda: has_gone_round(server))
        while not server.received.empty():
            server.received.get_nowait()
        await settle(server, events[0])
        old = {(await asyncio.wait_for(server.received.get(), PATIENCE)).queue_id for _ in range(5)}
        assert len(old) == 5


async def has_gone_round(server: Running) -> bool:
    return server.ingress.repeater._moving.number > 0


async def test_a_settlement_that_cannot_be_read_becomes_a_dead_letter(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path) as server:
        await server.bus.publish(SETTLED.on(0), "", b"nonsense")
        await until_true(lambda: has_dead_letters(server, ["mail.settled"]))


async def test_a_settlement_of_a_reception_that_is_gone_changes_nothing(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    async with running(nats_server.url, tmp_path) as server:
        log_event = MailSettled("qgone", (Outcome("ann@example.org", "delivered"),))
        await server.ingress.settled.step.handle(msgspec.json.encode(log_event), 1)
        assert not await server.ingress.store.heads()
        assert await server.ingress.dead_letters.waiting() == []
