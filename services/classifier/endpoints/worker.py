"""The bus's side of the classifier: `mail.received` in, `mail.classified` out."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog

from services.classifier.handlers.judge import ACTOR, Judge
from shared.bus.bus import Bus
from shared.bus.subjects import CLASSIFIED, CLASSIFIER_RECEIVED, RECEIVED
from shared.bus.worker import Worker
from shared.events.mail import MailReceived
from shared.eventstore.deadletters import DeadLetters
from shared.eventstore.event import Provenance, encode
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import HoldRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from shared.shards import shard_of

log = structlog.get_logger("classifier")
_decoder = msgspec.json.Decoder(MailReceived)
_WHAT = f"{RECEIVED.area}.{RECEIVED.name}"


class ClassifierWorker:
    """Works off its durable."""

    def __init__(self, bus: Bus, judge: Judge, letters: DeadLetters, ingress: Any) -> None:
        self._bus = bus
        self._judge = judge
        self._letters = letters
        self._ingress: Any = IngressStub(ingress)
        self._worker: Worker | None = None
        letters.redriven_by(_WHAT, self._redrive)

    def start(self, concurrency: int) -> None:
        """Take mails from now on."""
        self._worker = self._bus.work(CLASSIFIER_RECEIVED, self._handle, self._bury, concurrency)

    async def stop(self) -> None:
        """Take no new mails, finish those at hand: behind this the store may close."""
        if self._worker is not None:
            await self._worker.stop()

    async def _handle(self, payload: bytes, _count: int) -> None:
        mail = _decoder.decode(payload)
        verdict = await self._judge.classify(mail)
        carried = msgspec.structs.replace(verdict, reception=mail)
        # No message id: a repeat of the reception must pass, delivery knows what it has done.
        await self._bus.publish(CLASSIFIED.on(shard_of(mail.queue_id)), "", encode(carried))

    async def _bury(self, payload: bytes, error: BaseException) -> None:
        queue_id = _queue_id(payload)
        letter = await self._letters.bury(_WHAT, queue_id, repr(error), 0, payload, Provenance(ACTOR, correlation=queue_id))
        log.error("classifier.dead_letter", letter=letter, queue_id=queue_id, error=repr(error))
        if queue_id:
            await self._ingress.Hold(HoldRequest(queue_id=queue_id, held=True, reason=f"dead letter {letter}"))

    async def _redrive(self, payload: bytes) -> None:
        await self._handle(payload, 1)
        await self._ingress.Hold(HoldRequest(queue_id=_queue_id(payload), held=False))


def _queue_id(payload: bytes) -> str:
    try:
        return _decoder.decode(payload).queue_id
    except msgspec.MsgspecError:
        return ""
