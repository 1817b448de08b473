"""Publishes every accepted mail, and again with growing pauses until it is settled: the sender of a fact repeats it.

Counters live in memory: nothing but facts changes rows. After a restart every reception that moves is published again,
paced by how many publishes may wait for the bus at once. What does not fit in memory waits in the store until there is
room.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass

import structlog

from services.ingress.domain.backoff import pause_after
from services.ingress.handlers.receptions import Receptions
from services.ingress.settings import IngressSettings
from shared.bus.bus import Bus
from shared.bus.errors import BusUnavailable
from shared.bus.subjects import RECEIVED, SUBMITTED
from shared.events.mail import MailReceived
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Recorded, encode
from shared.waking import woken_within

log = structlog.get_logger("ingress")
_SWEEP_SECONDS = 30.0
_PAGE = 500
_PATIENCE = 1.0
"""Seconds to wait for the store when it cannot be read."""


@dataclass(slots=True)
class _Waiting:
    """A reception that moves: how often it was repeated, and whether a publish of it is under way."""

    repeats: int = 0
    is_out: bool = False
    due: float = 0.0


class Repeater:
    """One of a process."""

    def __init__(self, bus: Bus, receptions: Receptions, settings: IngressSettings) -> None:
        self._bus = bus
        self._receptions = receptions
        self._settings = settings
        self._waiting: dict[str, _Waiting] = {}
        self._due: list[tuple[float, str]] = []
        self._life = secrets.token_hex(4)
        """Makes the ids of repeats our own: counters begin again at a restart, and the bus remembers ids for two
        minutes.
        """
        self._publishes = itertools.count()
        self._gate = asyncio.Semaphore(settings.publishes_at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._look = asyncio.Event()

    async def start(self) -> None:
        """Publish what moves, and go on."""
        self._spawn(self._repeat())
        self._spawn(self._sweep())

    async def stop(self) -> None:
        """Give up what waits; it is published again after the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def repeats(self, queue_id: str) -> int:
        """How often a reception was published again since the start."""
        waiting = self._waiting.get(queue_id)
        return waiting.repeats if waiting else 0

    def accepted(self, recorded: Recorded, queue_id: str) -> None:
        """Publish a new reception in the background. Without room it waits for the sweep."""
        if len(self._waiting) >= self._settings.repeats_waiting:
            return
        waiting = self._waiting[queue_id] = _Waiting()
        if self._gate.locked():  # the bus is slow: rather read the fact again later than hold it meanwhile
            self._schedule(queue_id, waiting, 0.0)
        else:
            waiting.is_out = True
            self._spawn(self._first(queue_id, waiting, recorded))

    def resumed(self, queue_id: str) -> None:
        """A held reception moves again: publish it at once."""
        waiting = self._waiting.setdefault(queue_id, _Waiting())
        self._schedule(queue_id, waiting, 0.0)

    def released(self, queue_id: str) -> None:
        """A reception is settled or held: no more repeats."""
        self._waiting.pop(queue_id, None)

    def look(self) -> None:
        """See now whether receptions wait in the store for room in memory."""
        self._look.set()

    async def _first(self, queue_id: str, waiting: _Waiting, recorded: Recorded) -> None:
        async with self._gate:
            await self._publish(recorded)
        self._published(queue_id, waiting)

    async def _again(self, queue_id: str, waiting: _Waiting) -> None:
        try:
            recorded = await self._receptions.fact(queue_id)
            if recorded is None:
                self.released(queue_id)
                return
            await self._publish(recorded)
        except StoreUnavailable as error:
            log.warning("ingress.repeat_failed", queue_id=queue_id, error=str(error))
        finally:
            self._gate.release()
        self._published(queue_id, waiting)

    async def _publish(self, recorded: Recorded) -> None:
        fact = RECEIVED if isinstance(recorded.event, MailReceived) else SUBMITTED
        message_id = f"ingress.{recorded.shard}.{recorded.position}:{self._life}.{next(self._publishes)}"
        try:
            await self._bus.publish(fact.on(recorded.shard), message_id, encode(recorded.event))
        except BusUnavailable as error:
            log.warning("ingress.publish_failed", event_id=message_id, error=str(error))

    def _published(self, queue_id: str, waiting: _Waiting) -> None:
        waiting.is_out = False
        if self._waiting.get(queue_id) is waiting:
            self._schedule(
                queue_id,
                waiting,
                pause_after(waiting.repeats, self._settings.repeat_first, self._settings.repeat_longest),
            )
            waiting.repeats += 1

    def _schedule(self, queue_id: str, waiting: _Waiting, pause: float) -> None:
        due = waiting.due = asyncio.get_running_loop().time() + pause
        heapq.heappush(self._due, (due, queue_id))
        if self._due[0][0] == due:
            self._wake.set()

    async def _repeat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            pause = self._due[0][0] - loop.time() if self._due else _SWEEP_SECONDS
            if pause > 0:
                await self._rest(pause)
                continue
            due, queue_id = heapq.heappop(self._due)
            waiting = self._waiting.get(queue_id)
            if waiting is not None and waiting.due == due and not waiting.is_out:
                waiting.is_out = True
                await self._gate.acquire()  # given back by `_again`
                self._spawn(self._again(queue_id, waiting))

    async def _rest(self, pause: float) -> None:
        self._wake.clear()
        await woken_within(self._wake, pause)

    async def _sweep(self) -> None:
        """Take up receptions that are in the store and not in memory: at the start all, later those that had no room."""
        while True:
            try:
                self._look.clear()
                await self._take_up()
                await woken_within(self._look, _SWEEP_SECONDS)
            except StoreUnavailable as error:
                log.warning("ingress.sweep_failed", error=str(error))
                await asyncio.sleep(_PATIENCE)

    async def _take_up(self) -> None:
        after = ""
        while len(self._waiting) < self._settings.repeats_waiting:
            page = await self._receptions.moving(after, _PAGE)
            if not page:
                return
            after = page[-1]
            for queue_id in page:
                if queue_id not in self._waiting:
                    waiting = self._waiting[queue_id] = _Waiting()
                    self._schedule(queue_id, waiting, 0.0)
            await asyncio.sleep(0)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:
        log.error("ingress.repeater_fault", exc_info=error)
