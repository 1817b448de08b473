"""`mail.settled` from the bus: the reception is released."""

from __future__ import annotations

import msgspec

from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.repeater import Repeater
from shared.events.mail import MailSettled
from shared.eventstore.deadletters import DeadLetters
from shared.eventstore.event import Actor, Provenance

STEP = "mail.settled"
_decoder = msgspec.json.Decoder(MailSettled)
_ACTOR = Actor("service", "delivery")


class SettledWorker:
    """Takes the last receiver's confirmation, as often as it comes."""

    def __init__(self, receptions: Receptions, repeater: Repeater, letters: DeadLetters) -> None:
        self._receptions = receptions
        self._repeater = repeater
        self._letters = letters
        letters.redriven_by(STEP, self.redrive)

    async def take(self, payload: bytes, _count: int) -> None:
        """Release a reception. Raises msgspec.DecodeError or StoreUnavailable: it comes again."""
        await self.redrive(payload)

    async def redrive(self, payload: bytes) -> None:
        """As `take`, from a dead letter."""
        event = _decoder.decode(payload)
        await self._receptions.settle(event, Provenance(_ACTOR, correlation=event.queue_id))
        self._repeater.released(event.queue_id)

    async def exhausted(self, payload: bytes, error: Exception) -> None:
        """Keep what could not be done where people see it."""
        try:
            queue_id = _decoder.decode(payload).queue_id
        except msgspec.DecodeError:
            queue_id = ""
        await self._letters.bury(STEP, queue_id, repr(error), 0, payload, Provenance(_ACTOR, correlation=queue_id))
