"""The bus worker of the ingress: takes `mail.settled` and releases the reception."""

from __future__ import annotations

import msgspec

from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.repeater import Repeater
from shared.bus.bus import Bus
from shared.bus.subjects import INGRESS_SETTLED, SETTLED
from shared.bus.worker import Worker
from shared.events.mail import MailSettled
from shared.eventstore.event import Actor, Provenance
from shared.owner.burial import Burial

_decoder = msgspec.json.Decoder(MailSettled)
_ACTOR = Actor("service", "delivery")


class SettledWorker:
    """Takes settlements from the bus. A repeated one, or one for a reception that is gone, changes nothing."""

    def __init__(self, bus: Bus, receptions: Receptions, repeater: Repeater, burial: Burial) -> None:
        self._bus = bus
        self._receptions = receptions
        self._repeater = repeater
        self._burial = burial
        self.step = burial.step(SETTLED.type, self._settle)
        self._worker: Worker | None = None

    def start(self) -> None:
        """Begin to take settlements."""
        self._worker = self._bus.work(INGRESS_SETTLED, self.step.handle, self.step.bury)

    async def stop(self) -> None:
        """Take no new ones and finish those in progress."""
        if self._worker is not None:
            await self._worker.stop()

    async def _settle(self, payload: bytes, _count: int) -> None:
        event = _decoder.decode(payload)
        await self._receptions.settle(event, Provenance(_ACTOR, correlation=event.queue_id))
        self._repeater.released(event.queue_id)
        await self._burial.settled(event.queue_id)
