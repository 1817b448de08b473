"""What the ingress itself cannot do is reported at once, repeated rarely, and resolved by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.ingress.handlers import valve
from shared.bus.errors import BusRefused
from shared.bus.subjects import RECEIVED
from shared.events.mail import MailReceived
from shared.rpc.mailfold.ingress.v1 import ingress_pb2 as pb
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.harness.waiting import PATIENCE, until_true
from tests.integration.ingress.client import connected
from tests.integration.ingress.server import Running, running
from tests.integration.ingress.test_acceptance import MAIL
from tests.integration.ingress.test_until_settled import accepted, has_dead_letters, send, settle, stub, until_left
from tests.parts.nats import NatsServer

SOON = {"repeat_first": "0.2", "repeat_longest": "1", "repeat_held": "1"}


class Refusing:
    """Replaces the bus's `publish`: mail to one recipient is refused for good while `refuses` is set."""

    def __init__(self, server: Running) -> None:
        self._publish = server.bus.publish
        self.refuses = True
        self.tries = 0
        server.bus.publish = self.publish  # type: ignore[method-assign]

    async def publish(self, subject: str, message_id: str, payload: bytes) -> None:
        if self.refuses and b"info@example.org" in payload:
            self.tries += 1
            raise BusRefused("MaxPayloadError()")
        await self._publish(subject, message_id, payload)


async def send_to(server: Running, recipient: str) -> None:
    async with connected(server.port(25)) as client:
        await client.hello()
        assert (await client.mail(MAIL, recipient)).startswith(b"250")


async def state(server: Running) -> list[str]:
    listed = (await stub(server).ListReceptions(pb.ListReceptionsRequest())).receptions
    return [reception.state for reception in listed]


async def is_in(server: Running, expected: str) -> bool:
    return await state(server) == [expected]


async def test_an_event_that_the_bus_refuses_is_a_dead_letter_until_it_succeeds(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    """Before, such a mail was repeated for ever without a report."""
    async with running(nats_server.url, tmp_path, **SOON) as server:
        bus = Refusing(server)
        await send_to(server, "info@example.org")
        await until_true(lambda: is_in(server, "held"))
        (dead_letter,) = await server.ingress.dead_letters.waiting()
        assert (dead_letter.what, dead_letter.error, dead_letter.attempts) == (
            "mail.received",
            "BusRefused('MaxPayloadError()')",
            1,
        )
        owner = OwnerStub(server.host.channel("ingress", "operator"))
        assert (await owner.Report(owner_pb2.ReportRequest())).counts["dead_letters"] == 1

        await send_to(server, "ann@example.org")  # other mail is published
        assert (await asyncio.wait_for(server.received.get(), PATIENCE)).recipients[0].address == "ann@example.org"

        async def tried_again() -> bool:
            return bus.tries > 2 and (await server.ingress.dead_letters.show(dead_letter.id)).attempts == bus.tries

        await until_true(tried_again)
        bus.refuses = False
        await until_true(lambda: has_dead_letters(server, []))
        while (await asyncio.wait_for(server.received.get(), PATIENCE)).recipients[0].address != "info@example.org":
            pass
        assert not (await server.ingress.store.verify()).differences


async def test_a_reception_that_is_held_is_tried_rarely_and_ends_by_itself(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    async with running(nats_server.url, tmp_path, **SOON) as server:
        event = await accepted(server)
        await stub(server).Hold(pb.HoldRequest(queue_id=event.queue_id, held=True, reason="dead letter l1"))
        while not server.received.empty():
            server.received.get_nowait()
        assert await asyncio.wait_for(server.received.get(), PATIENCE) == event
        assert await state(server) == ["held"]
        await settle(server, event)
        await until_left(server, 0)


async def test_what_is_not_settled_within_its_days_becomes_a_dead_letter_and_is_not_dropped(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    async with running(nats_server.url, tmp_path, expire_days="0.00002", **SOON) as server:  # 1.7 s
        event = await accepted(server)
        await until_true(lambda: has_dead_letters(server, ["mail.unsettled"]))
        (dead_letter,) = await server.ingress.dead_letters.waiting()
        assert dead_letter.queue_id == event.queue_id
        await until_true(lambda: is_in(server, "held"))
        while not server.received.empty():
            server.received.get_nowait()
        assert await asyncio.wait_for(server.received.get(), PATIENCE) == event  # it is still repeated
        await settle(server, event)
        await until_left(server, 0)
        await until_true(lambda: has_dead_letters(server, []))
        assert not (await server.ingress.store.verify()).differences


async def test_an_expired_reception_begins_anew_when_it_is_retried(nats_server: NatsServer, tmp_path: Path) -> None:
    async with running(nats_server.url, tmp_path, expire_days="0.00002", **SOON) as server:
        await accepted(server)
        await until_true(lambda: is_in(server, "held"))
        (dead_letter,) = await server.ingress.dead_letters.waiting()
        owner = OwnerStub(server.host.channel("ingress", "operator"))
        assert (await owner.RetryDeadLetter(owner_pb2.DeadLetterRequest(id=dead_letter.id))).retried
        assert await state(server) == ["moving"]
        await until_true(lambda: has_dead_letters(server, ["mail.unsettled"]))


async def test_a_worker_that_is_away_does_not_fill_the_bus(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a limit its mail waits in the store, and users' submissions are published."""
    monkeypatch.setattr(valve, "MOST_WAITING", 50)
    async with running(nats_server.url, tmp_path, **SOON) as server:
        monkeypatch.setattr("services.ingress.handlers.repeater._BUSY", 20)
        (worker,) = (worker for worker in server.bus._workers if worker.durable.subject is RECEIVED)
        await worker.stop()
        await send(server, 40)

        async def is_closed() -> bool:
            return not server.ingress.repeater._valve.is_open(RECEIVED)

        await until_true(is_closed)
        before = await backlog(server)
        await send(server, 40)
        for _ in range(3):  # rounds through the store
            number = server.ingress.repeater._moving.number

            async def has_gone_round(number: int = number) -> bool:
                return server.ingress.repeater._moving.number > number

            await until_true(has_gone_round)
        assert await backlog(server) <= before + 40
        worker._stopping = False
        client = server.bus._connection.client
        assert client is not None
        await worker.attach(client)
        seen: dict[str, MailReceived] = {}
        while len(seen) < 80:
            event = await asyncio.wait_for(server.received.get(), PATIENCE)
            seen[event.queue_id] = event


async def backlog(server: Running) -> int:
    known = await server.bus.backlog()
    assert known is not None
    return known.waiting.get(RECEIVED.type, 0)
