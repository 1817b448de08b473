"""Publishes receptions, and handles the errors of the bus: unavailable, or refused for good."""

from __future__ import annotations

import itertools
import secrets

import structlog

from shared.bus.attempt import Handler
from shared.bus.bus import Bus
from shared.bus.errors import BusRefused, BusUnavailable
from shared.bus.subjects import RECEIVED, SUBMITTED, WorkSubject
from shared.events.mail import MailReceived
from shared.eventstore.event import Recorded, encode
from shared.ids import shard_of
from shared.owner.burial import Burial, queue_id_of

log = structlog.get_logger("ingress")


class Publishing:
    """Publishes events of acceptance. An event that the bus refuses for good becomes a dead letter at once."""

    def __init__(self, bus: Bus, burial: Burial) -> None:
        self._bus = bus
        self._burial = burial
        self._life = secrets.token_hex(4)
        """Part of the ids of repeats. It changes at each start, because counters begin again, and the bus remembers ids
        for two minutes."""
        self._publishes = itertools.count()
        for event in (RECEIVED, SUBMITTED):
            burial.redriven(event.type, self._redrive(event))

    async def publish(self, recorded: Recorded) -> None:
        """Publish once. Raises StoreUnavailable when a dead letter of this reception cannot be recorded or resolved."""
        event, payload = event_of(recorded), encode(recorded.event)
        message_id = self._id(f"{recorded.shard}.{recorded.position}")
        try:
            await self._bus.publish(event.on(recorded.shard), message_id, payload)
        except BusUnavailable as error:
            log.warning("ingress.publish_failed", event_id=message_id, error=str(error))
        except BusRefused as error:
            await self._burial.bury(event.type, payload, 1, error)
        else:
            await self._burial.heal(event.type, payload)

    def _redrive(self, event: WorkSubject) -> Handler:
        async def redrive(payload: bytes, _count: int) -> None:
            queue_id = queue_id_of(payload)
            await self._bus.publish(event.on(shard_of(queue_id)), self._id(queue_id), payload)

        return redrive

    def _id(self, name: str) -> str:
        return f"ingress.{name}:{self._life}.{next(self._publishes)}"


def event_of(recorded: Recorded) -> WorkSubject:
    """The event to publish for a reception."""
    return RECEIVED if isinstance(recorded.event, MailReceived) else SUBMITTED
