"""Publishes every accepted mail, and repeats it with growing pauses until it is settled.

The repeats bridge every outage behind the ingress, for seconds or days; the bus tries a message only a few times. A new
mail is published at once, ahead of all repeats. A recent mail is repeated from the schedule in memory (`schedule.py`);
an old or held one in rounds through the store (`rounds.py`). After a restart all mails count as recent. A mail that is
not settled within `ingress.expire_days` becomes a dead letter and is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from services.ingress.handlers.publishing import Publishing, event_of
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.rounds import Rounds
from services.ingress.handlers.schedule import Schedule
from services.ingress.handlers.valve import Valve
from services.ingress.projections.receptions import HELD, MOVING
from services.ingress.settings import IngressSettings
from shared.background import BackgroundTask, spawn, woken_within
from shared.bus.bus import Bus
from shared.clock import Clock
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Recorded, encode
from shared.owner.burial import Burial

log = structlog.get_logger("ingress")
UNSETTLED = "mail.unsettled"
"""The step in the dead letter of a reception that has expired."""
_IDLE_SECONDS = 30.0
_LOOK_SECONDS = 1.0
_SILENCE_SECONDS = 30.0
_BUSY = 200
"""Number of unsettled receptions above which the bus is asked how many messages are waiting."""
_DAY = 86_400_000_000
_STALLED_SECONDS = 120.0
"""Seconds without a turn after which a task is reported as not well. The repeater takes a turn more often."""


class NotSettled(Exception):
    """The reception was not settled in time."""


class Repeater:
    """The repeater of a process."""

    def __init__(
        self,
        bus: Bus,
        receptions: Receptions,
        schedule: Schedule,
        burial: Burial,
        settings: IngressSettings,
        clock: Clock,
    ) -> None:
        self._receptions = receptions
        self._schedule = schedule
        self._burial = burial
        self._clock = clock
        self._days = settings.expire_days
        self._publishing = Publishing(bus, burial)
        self._valve = Valve(bus)
        places = max(1, settings.publishes_at_once // 2)
        self._first_places, self._repeat_places = asyncio.Semaphore(places), asyncio.Semaphore(places)
        self._moving = Rounds(receptions, MOVING, settings.repeat_longest, self._moving_turn)
        self._held = Rounds(receptions, HELD, settings.repeat_held, self._held_turn)
        self._tasks = (
            BackgroundTask("ingress", "repeater", self._repeat, longest=_STALLED_SECONDS, longest_pause=1.0),
            BackgroundTask("ingress", "valve", self._look_at_bus, longest=_STALLED_SECONDS, longest_pause=1.0),
            self._moving,
            self._held,
        )
        self._calls: set[asyncio.Task[None]] = set()
        self._settled_at = 0.0
        burial.redriven(UNSETTLED, _nothing)

    async def start(self) -> None:
        """Begin to publish unsettled receptions."""
        for task in self._tasks:
            task.start()

    async def stop(self) -> None:
        """Stop publishing; unsettled receptions are published again after the next start."""
        for task in self._tasks:
            await task.stop()
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def repeats(self, queue_id: str) -> int:
        """How often a reception was published again since the start; of an old one, how often a round came to it."""
        return self._schedule.repeats(queue_id) or self._moving.number

    def accepted(self, recorded: Recorded, queue_id: str) -> None:
        """Publish a new reception in the background.

        When too many are being published, it follows with the schedule or the next round.
        """
        if self._first_places.locked() or not self._valve.is_open(event_of(recorded)):
            self._schedule.at_once(queue_id)  # read the event again later, so that it is not held in memory meanwhile
        else:
            self._schedule.begin(queue_id)
            self._spawn(self._publish_first(queue_id, recorded))

    def begin(self, queue_id: str) -> None:
        """Publish a reception that is on its way from now on."""
        if not self._schedule.at_once(queue_id):
            self._moving.look()

    def released(self, queue_id: str) -> None:
        """Stop repeating a settled reception.

        The first settlement after a pause shows that repeats may succeed again.
        """
        now = self._clock.monotonic()
        if now - self._settled_at > _SILENCE_SECONDS:
            self._moving.look()
        self._settled_at = now
        self._schedule.forget(queue_id)
        self._moving.settled(queue_id)
        self._held.settled(queue_id)

    def look(self) -> None:
        """Begin the next round through the store now."""
        self._moving.look()

    async def _publish_first(self, queue_id: str, recorded: Recorded) -> None:
        try:
            async with self._first_places:
                await self._publishing.publish(recorded)
        finally:
            self._schedule.published(queue_id)

    async def _repeat(self) -> None:
        """Publish the reception that is due first, or wait for it."""
        pause = self._schedule.pause()
        if pause == 0.0:
            await self._repeat_places.acquire()  # `_again` gives it back
            self._spawn(self._again(self._schedule.take()))
            return
        self._schedule.changed.clear()
        await woken_within(self._schedule.changed, _IDLE_SECONDS if pause is None else min(pause, _IDLE_SECONDS))

    async def _again(self, queue_id: str | None) -> None:
        """Publish a recent reception again; None when it was settled while it waited."""
        try:
            if queue_id is not None:
                await self._publish(queue_id, MOVING)
        except StoreUnavailable as error:
            log.warning("ingress.repeat_failed", queue_id=queue_id, error=str(error))
        finally:
            self._repeat_places.release()
            if queue_id is not None:
                self._schedule.published(queue_id)

    async def _publish(self, queue_id: str, state: str) -> None:
        """Publish a reception that is still in this state, if the bus has room for its kind.

        Raises StoreUnavailable.
        """
        recorded = await self._receptions.acceptance_of(queue_id, state)
        if recorded is None:
            self._schedule.forget(queue_id)
        elif self._valve.is_open(event_of(recorded)):
            await self._publishing.publish(recorded)

    async def _moving_turn(self, queue_id: str, accepted_at: int) -> bool:
        if queue_id in self._schedule or (not self._moving.number and self._schedule.at_once(queue_id)):
            return False
        if self._clock.now() - accepted_at > self._days * _DAY and await self._has_expired(queue_id):
            return True
        async with self._repeat_places:
            await self._publish(queue_id, MOVING)
        return True

    async def _held_turn(self, queue_id: str, _accepted_at: int) -> bool:
        async with self._repeat_places:
            await self._publish(queue_id, HELD)
        return True

    async def _has_expired(self, queue_id: str) -> bool:
        """Make a reception a dead letter when it has expired. The time starts again when an operator resumes it."""
        recorded = await self._receptions.acceptance_of(queue_id)
        if recorded is None or self._clock.now() - await self._receptions.last_begun(queue_id) <= self._days * _DAY:
            return False
        error = NotSettled(f"not settled within {self._days:g} days")
        await self._burial.bury(UNSETTLED, encode(recorded.event), self.repeats(queue_id) + 1, error)
        return True

    async def _look_at_bus(self) -> None:
        await asyncio.sleep(_LOOK_SECONDS)
        if len(self._schedule) + self._moving.met > _BUSY:
            await self._valve.look()
        else:
            self._valve.open()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        call = spawn(work, "ingress-publish")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)


async def _nothing(_payload: bytes, _count: int) -> None:
    """Do nothing: the retry of an expired reception only resumes it."""
