"""The bus's side of delivery: facts in, `mail.settled` out; what cannot be done becomes a dead letter and holds its reception."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from services.delivery.domain.mail import Mail, from_classified, from_submitted
from services.delivery.handlers.deliver import ACTOR, Deliverer
from shared.bus.bus import Bus
from shared.bus.subjects import CLASSIFIED, DELIVERY_CLASSIFIED, DELIVERY_SUBMITTED, SETTLED, SUBMITTED
from shared.bus.worker import Worker
from shared.events.mail import MailSettled, MailSubmitted
from shared.events.spam import MailClassified
from shared.eventstore.deadletters import DeadLetters
from shared.eventstore.event import Provenance, encode
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import HoldRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from shared.shards import shard_of

log = structlog.get_logger("delivery")
_classified = msgspec.json.Decoder(MailClassified)
_submitted = msgspec.json.Decoder(MailSubmitted)
Read = Callable[[bytes], Mail]


def classified(payload: bytes) -> Mail:
    """A mail from the payload of `mail.classified`. Raises ValueError."""
    return from_classified(_classified.decode(payload))


def submitted(payload: bytes) -> Mail:
    """A mail from the payload of `mail.submitted`. Raises ValueError."""
    return from_submitted(_submitted.decode(payload))


class DeliveryWorker:
    """Works off both durables."""

    def __init__(self, bus: Bus, deliverer: Deliverer, letters: DeadLetters, ingress: Any) -> None:
        self._bus = bus
        self._deliverer = deliverer
        self._letters = letters
        self._ingress: Any = IngressStub(ingress)
        self._workers: tuple[Worker, ...] = ()
        for name, read in ((_name(CLASSIFIED), classified), (_name(SUBMITTED), submitted)):
            letters.redriven_by(name, self._redrive(read))

    def start(self, concurrency: int) -> None:
        """Take mails from now on."""
        self._workers = (
            self._bus.work(DELIVERY_CLASSIFIED, self._handler(classified), self._bury(_name(CLASSIFIED), classified), concurrency),
            self._bus.work(DELIVERY_SUBMITTED, self._handler(submitted), self._bury(_name(SUBMITTED), submitted), concurrency),
        )

    async def stop(self) -> None:
        """Take no new mails, finish those at hand: behind this the store may close."""
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    def _handler(self, read: Read) -> Callable[[bytes, int], Awaitable[None]]:
        async def handle(payload: bytes, _count: int) -> None:
            await self._deliver(read(payload))

        return handle

    async def _deliver(self, mail: Mail) -> None:
        outcomes = await self._deliverer.deliver(mail)
        await self._bus.publish(SETTLED.on(shard_of(mail.queue_id)), "", encode(MailSettled(mail.queue_id, outcomes)))

    def _bury(self, what: str, read: Read) -> Callable[[bytes, BaseException], Awaitable[None]]:
        async def bury(payload: bytes, error: BaseException) -> None:
            queue_id = _queue_id(read, payload)
            letter = await self._letters.bury(what, queue_id, repr(error), 0, payload, Provenance(ACTOR, correlation=queue_id))
            log.error("delivery.dead_letter", letter=letter, queue_id=queue_id, error=repr(error))
            if queue_id:
                await self._ingress.Hold(HoldRequest(queue_id=queue_id, held=True, reason=f"dead letter {letter}"))

        return bury

    def _redrive(self, read: Read) -> Callable[[bytes], Awaitable[None]]:
        async def redrive(payload: bytes) -> None:
            mail = read(payload)
            await self._deliver(mail)
            await self._ingress.Hold(HoldRequest(queue_id=mail.queue_id, held=False))

        return redrive


def _name(fact: Any) -> str:
    return f"{fact.area}.{fact.name}"


def _queue_id(read: Read, payload: bytes) -> str:
    try:
        return read(payload).queue_id
    except ValueError:
        return ""
