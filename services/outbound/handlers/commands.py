"""The operator's commands on entries: retry, hold, release, cancel and bounce, for all entries that fit a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from services.outbound.domain.entry import EntryState, QueueEntry
from services.outbound.domain.filter import Condition
from services.outbound.handlers.due import DueEntries
from services.outbound.handlers.record import Recorder
from shared.clock import Clock
from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundHeld,
    OutboundReleased,
    OutboundRescheduled,
)
from shared.eventstore.connection import Row
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.turns import Turns

_PAGE = 100
_NAMED = 1_000
"""Entries that a reply names at most."""
_COLUMNS = (
    "SELECT entry, queue_id, sender, recipient, size, at, since, due, state, attempts, status, reason FROM queue "
    "WHERE entry > ?"
)
Decision = Callable[[QueueEntry], Event | None]
"""The event of a command for an entry; None when the command does not apply to it."""


Claiming = Callable[[Sequence[str]], AbstractContextManager[list[str]]]
"""Claims those of the entries that are not being sent, for a block, so that no attempt begins at them meanwhile."""


class ChangeResult(NamedTuple):
    """The effect of a command."""

    changed: int
    in_hand: int
    """Entries that are being sent at this moment, so that they were not changed."""
    entries: tuple[str, ...]


class QueueCommands:
    """Carries out commands, a page of entries at a time, so that a large queue blocks nobody."""

    def __init__(
        self,
        store: EventStore,
        due: DueEntries,
        recorder: Recorder,
        clock: Clock,
        turns: Turns,
        claiming: Claiming,
    ) -> None:
        self._store = store
        self._due = due
        self._recorder = recorder
        self._clock = clock
        self._turns = turns
        self._claiming = claiming

    async def retry(self, condition: Condition, provenance: Provenance) -> ChangeResult:
        """Make waiting entries due now."""
        now = self._clock.now()

        def decide(entry: QueueEntry) -> Event | None:
            waits = entry.state is EntryState.WAITING
            return OutboundRescheduled(entry.id, entry.queued.queue_id, now) if waits else None

        return await self._change_matching(condition, decide, provenance)

    async def hold(self, condition: Condition, reason: str, provenance: Provenance) -> ChangeResult:
        """Hold waiting entries until they are released."""

        def decide(entry: QueueEntry) -> Event | None:
            waits = entry.state is EntryState.WAITING
            return OutboundHeld(entry.id, entry.queued.queue_id, reason or "held by the operator") if waits else None

        return await self._change_matching(condition, decide, provenance)

    async def release(self, condition: Condition, provenance: Provenance) -> ChangeResult:
        """Release held entries; their age begins now."""

        def decide(entry: QueueEntry) -> Event | None:
            is_held = entry.state is EntryState.HELD
            return OutboundReleased(entry.id, entry.queued.queue_id) if is_held else None

        return await self._change_matching(condition, decide, provenance)

    async def cancel(self, condition: Condition, reason: str, provenance: Provenance) -> ChangeResult:
        """Take entries out of the queue; nobody is notified."""

        def decide(entry: QueueEntry) -> Event | None:
            return OutboundCancelled(entry.id, entry.queued.queue_id, reason)

        return await self._change_matching(condition, decide, provenance)

    async def bounce(self, condition: Condition, reason: str, provenance: Provenance) -> ChangeResult:
        """Return entries to their senders."""
        text = reason or "the operator of the sending server ended the delivery"

        def decide(entry: QueueEntry) -> Event | None:
            queued = entry.queued
            return OutboundBounced(queued.entry, queued.queue_id, queued.forward_path, "5.7.0", text)

        return await self._change_matching(condition, decide, provenance)

    async def page(self, condition: Condition, after: str, limit: int) -> list[Row]:
        """Rows of open entries that fit, in the order of their ids, behind the id `after`."""
        sql = f"{_COLUMNS} AND {condition.sql} ORDER BY entry LIMIT ?"
        parameters = (after, *condition.parameters, limit)
        return await self._store.read_long(lambda reader: reader.all(sql, parameters))

    async def _change_matching(self, condition: Condition, decide: Decision, provenance: Provenance) -> ChangeResult:
        after, changed, in_hand, named = "", 0, 0, list[str]()
        while rows := await self.page(condition, after, _PAGE):
            after = rows[-1][0]
            with self._claiming([row[0] for row in rows]) as free:
                in_hand += len(rows) - len(free)
                done = await self._record(free, decide, provenance)
            changed += len(done)
            named += done[: _NAMED - len(named)]
            await self._turns.spend(rows=10 * len(rows))
        return ChangeResult(changed, in_hand, tuple(named))

    async def _record(self, ids: Sequence[str], decide: Decision, provenance: Provenance) -> list[str]:
        pairs = [(entry, event) for entry in await self._due.entries(ids) if (event := decide(entry)) is not None]
        if pairs:
            await self._recorder.record(pairs, provenance)
        return [entry.id for entry, _ in pairs]
