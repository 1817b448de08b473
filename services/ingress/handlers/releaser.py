"""Releases waiting submissions when their time has come, a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.ingress.handlers.repeater import Repeater
from services.ingress.handlers.waiting import WaitingSubmissions
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance

_BATCH = 100
"""Mails that one commit releases."""
_LOOK_SECONDS = 30.0
"""Longest pause between two looks at the table, because the clock may be set."""
_STALLED_SECONDS = 120.0
_LONGEST_PAUSE = 1.0
_NEVER = 1 << 62
_BY_ITSELF = Provenance(Actor("service", "ingress"))
_SECOND = 1_000_000


class Releaser:
    """The releaser of a process.

    The release is committed before anything is published. A process that dies in between publishes the mail after its
    next start, like every reception that is on its way.
    """

    def __init__(self, waiting: WaitingSubmissions, repeater: Repeater, clock: Clock) -> None:
        self._waiting = waiting
        self._repeater = repeater
        self._clock = clock
        self._next = _NEVER
        self._earlier = asyncio.Event()
        self._task = BackgroundTask(
            "ingress",
            "releaser",
            self._release_due,
            longest=_STALLED_SECONDS,
            not_now=(StoreUnavailable,),
            longest_pause=_LONGEST_PAUSE,
        )

    def start(self) -> None:
        """Begin with what became due while no process ran."""
        self._task.start()

    async def stop(self) -> None:
        """Release nothing more; the rest is released after the next start."""
        await self._task.stop()

    def accepted(self, release_at: int) -> None:
        """Note a new waiting submission and its time of release (UTC microseconds)."""
        if release_at < self._next:
            self._earlier.set()

    async def release(self, queue_ids: Sequence[str], provenance: Provenance = _BY_ITSELF) -> list[str]:
        """Release those that still wait, and publish them; returns them. Raises StoreUnavailable."""
        try:
            released = await self._waiting.release(queue_ids, provenance)
        except StoreUnavailable as error:
            if error.in_doubt:  # they may be released all the same; a round publishes those that are
                self._repeater.look()
            raise
        for queue_id in released:
            self._repeater.begin(queue_id)
        return released

    async def _release_due(self) -> None:
        """Release a batch, or wait for the next mail."""
        self._earlier.clear()
        self._next = _NEVER  # while the table is read, every new mail wakes the task
        soonest = await self._waiting.soonest(_BATCH)
        now = self._clock.now()
        if due := [queue_id for queue_id, release_at in soonest if release_at <= now]:
            await self.release(due)
            return
        pause = _LOOK_SECONDS
        if soonest:
            self._next = soonest[0][1]
            pause = min(pause, (self._next - now) / _SECOND)
        await woken_within(self._earlier, pause)
