"""Notifies the senders of mail that waits long, and ends the mail whose time is over.

Only the age of an entry counts and not its attempts, so that mail for a destination that is not tried expires as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.schedule import RetrySchedule
from services.outbound.handlers.commands import Claiming
from services.outbound.handlers.due import DueEntries
from services.outbound.handlers.record import Recorder
from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.events.outbound import OutboundDelayed, OutboundExpired
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Event

_PAGE = 100


class Ages:
    """Looks at the ages of waiting entries, every few seconds."""

    def __init__(
        self,
        due: DueEntries,
        recorder: Recorder,
        schedule: RetrySchedule,
        clock: Clock,
        claiming: Claiming,
        seconds: float,
    ) -> None:
        self._due = due
        self._recorder = recorder
        self._schedule = schedule
        self._clock = clock
        self._claiming = claiming
        self._task = BackgroundTask("outbound", "ages", every(seconds, self.look), not_now=(StoreUnavailable,))

    def start(self) -> None:
        """Begin to look."""
        self._task.start()

    async def stop(self) -> None:
        """No more looks."""
        await self._task.stop()

    async def look(self) -> None:
        """Expire what is too old, and then notify the senders of what waits long."""
        while await self._record(await self._due.to_expire(self._clock.now(), self._schedule, _PAGE), self._expired):
            self._task.advanced()
        while await self._record(await self._due.to_notify(self._clock.now(), self._schedule, _PAGE), self._delayed):
            self._task.advanced()

    async def _record(self, entries: Sequence[QueueEntry], event_of: Callable[[QueueEntry], Awaitable[Event]]) -> bool:
        """Record an event for each entry that is not being sent; False when there is none."""
        with self._claiming([entry.id for entry in entries]) as free:
            decisions = [(entry, await event_of(entry)) for entry in entries if entry.id in free]
            if decisions:
                await self._recorder.record(decisions)
        return bool(decisions)

    async def _expired(self, entry: QueueEntry) -> OutboundExpired:
        status, reason = await self._due.last_failure(entry)
        queued = entry.queued
        return OutboundExpired(
            queued.entry,
            queued.queue_id,
            queued.forward_path,
            "4.4.7",
            f"not delivered in time; last: {status} {reason}",
        )

    async def _delayed(self, entry: QueueEntry) -> OutboundDelayed:
        status, reason = await self._due.last_failure(entry)
        queued = entry.queued
        return OutboundDelayed(queued.entry, queued.queue_id, queued.forward_path, status, reason)
