"""The bus worker of the classifier: takes `mail.received` and publishes `mail.classified`."""

from __future__ import annotations

import msgspec

from services.classifier.handlers.judge import Judge
from shared.bus.bus import Bus
from shared.bus.subjects import CLASSIFIED, CLASSIFIER_RECEIVED, RECEIVED
from shared.bus.worker import Worker
from shared.events.mail import MailReceived
from shared.eventstore.event import encode
from shared.ids import shard_of
from shared.owner.burial import Burial

_decoder = msgspec.json.Decoder(MailReceived)


class ClassifierWorker:
    """Takes the messages of its durable consumer."""

    def __init__(self, bus: Bus, judge: Judge, burial: Burial) -> None:
        self._bus = bus
        self._judge = judge
        self._step = burial.step(RECEIVED.type, self._handle)
        self._worker: Worker | None = None

    def start(self, concurrency: int) -> None:
        """Begin to take mails."""
        self._worker = self._bus.work(CLASSIFIER_RECEIVED, self._step.handle, self._step.bury, concurrency)

    async def stop(self) -> None:
        """Take no new mails and finish those in progress; afterwards the store may be closed."""
        if self._worker is not None:
            await self._worker.stop()

    async def _handle(self, payload: bytes, _count: int) -> None:
        mail = _decoder.decode(payload)
        verdict = await self._judge.classify(mail)
        carried = msgspec.structs.replace(verdict, reception=mail)
        # Without a message id, so that JetStream does not drop a repeat as a duplicate; delivery recognises repeats
        # itself.
        await self._bus.publish(CLASSIFIED.on(shard_of(mail.queue_id)), "", encode(carried))
