"""Puts copies into the queue: durable when it returns, and once for each key."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.outbound.handlers.account_limits import AccountLimits
from services.outbound.handlers.holds import Holds
from shared.clock import Clock
from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundDelivered,
    OutboundExpired,
    OutboundQueued,
)
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.errors import Unavailable
from shared.ids import IdKind, Ids

_ENDS = (OutboundDelivered, OutboundBounced, OutboundExpired, OutboundCancelled)


class Enqueuer:
    """Enqueues copies and counts the open entries."""

    def __init__(
        self, store: EventStore, holds: Holds, limits: AccountLimits, ids: Ids, clock: Clock, max_waiting: int
    ) -> None:
        self._store = store
        self._holds = holds
        self._account_limits = limits
        self._ids = ids
        self._clock = clock
        self._limit = max_waiting
        self.open_entries = 0
        """The number of open entries."""

    async def start(self) -> None:
        """Count the queue once.

        From then on commits are counted, so that the cost of enqueueing does not grow with the queue.
        """
        row = await self._store.read(lambda reader: reader.first_row("SELECT count(*) FROM queue"))
        self.open_entries = row[0] if row else 0

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Count committed events."""
        for item in recorded:
            if isinstance(item.event, OutboundQueued):
                self.open_entries += 1
            elif isinstance(item.event, _ENDS):
                self.open_entries -= 1

    async def enqueue(self, copy: OutboundQueued, provenance: Provenance) -> tuple[str, bool]:
        """Enqueue a copy that has no entry id yet; returns its entry id, and whether it was enqueued before.

        Raises Unavailable when the queue is full.
        """
        return await self._store.write(lambda transaction: self._take(transaction, copy, provenance))

    def _take(self, transaction: Transaction, copy: OutboundQueued, provenance: Provenance) -> tuple[str, bool]:
        command = f"{copy.queue_id}/{copy.index}/{copy.recipient}"
        earlier = transaction.answered(command)
        if earlier:
            return earlier[0].stream, True
        if self.open_entries >= self._limit:
            raise Unavailable(f"the outbound queue is full ({self._limit} entries)", "full")
        is_new = self._account_limits.is_new_recipient(transaction, copy)
        queued = msgspec.structs.replace(copy, entry=self._ids.new(IdKind.ENTRY), is_new_recipient=is_new)
        now = self._clock.now()
        hold = self._holds.hold_of(queued, now) or self._account_limits.hold_of(transaction, queued, now)
        crossing = None if hold is None else self._account_limits.crossing_of(transaction, queued, hold)
        events: list[Event] = [queued] if hold is None else [queued, hold]
        recorded_by = Provenance(provenance.actor, provenance.cause, provenance.correlation, command)
        transaction.append(queued.entry, events, recorded_by)
        if crossing is not None:
            provenance = Provenance(provenance.actor, provenance.cause, provenance.correlation)
            transaction.append(f"limit/{queued.account}", [crossing], provenance)
        return queued.entry, False
