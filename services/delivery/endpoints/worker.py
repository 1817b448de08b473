"""The bus worker of delivery: takes `mail.classified` and `mail.submitted`, and publishes `mail.settled`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from services.delivery.domain.mail import AcceptedMail, from_classified, from_submitted
from services.delivery.handlers.deliver import Deliverer
from services.delivery.handlers.record import settlement
from shared.bus.attempt import Handler
from shared.bus.bus import Bus
from shared.bus.subjects import DELIVERY_CLASSIFIED, DELIVERY_SUBMITTED, SETTLED, Durable
from shared.bus.worker import Worker
from shared.events.mail import MailSubmitted
from shared.events.spam import MailClassified
from shared.eventstore.event import encode
from shared.ids import shard_of
from shared.owner.burial import Burial

_classified = msgspec.json.Decoder(MailClassified)
_submitted = msgspec.json.Decoder(MailSubmitted)
Read = Callable[[bytes], AcceptedMail]


def classified(payload: bytes) -> AcceptedMail:
    """The mail in a payload of `mail.classified`. Raises ValueError."""
    return from_classified(_classified.decode(payload))


def submitted(payload: bytes) -> AcceptedMail:
    """The mail in a payload of `mail.submitted`. Raises ValueError."""
    return from_submitted(_submitted.decode(payload))


_WORK: tuple[tuple[Durable, Read], ...] = ((DELIVERY_CLASSIFIED, classified), (DELIVERY_SUBMITTED, submitted))


class DeliveryWorker:
    """Takes the messages of both durable consumers."""

    def __init__(self, bus: Bus, deliverer: Deliverer, burial: Burial) -> None:
        self._bus = bus
        self._deliverer = deliverer
        self._steps = [(durable, burial.step(durable.subject.type, self._handler(read))) for durable, read in _WORK]
        self._workers: list[Worker] = []

    def start(self, concurrency: int) -> None:
        """Begin to take mails."""
        self._workers = [self._bus.work(durable, step.handle, step.bury, concurrency) for durable, step in self._steps]

    async def stop(self) -> None:
        """Take no new mails and finish those in progress; afterwards the store may be closed."""
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    def _handler(self, read: Read) -> Handler:
        async def handle(payload: bytes, _count: int) -> None:
            await self._deliver(read(payload))

        return handle

    async def _deliver(self, mail: AcceptedMail) -> None:
        outcomes = await self._deliverer.deliver(mail)
        await self._bus.publish(SETTLED.on(shard_of(mail.queue_id)), "", encode(settlement(mail.queue_id, outcomes)))
