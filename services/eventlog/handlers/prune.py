"""Deletes events that are older than the kept days, in small steps, each of which is a unit of work."""

from __future__ import annotations

import asyncio

import structlog

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.key_index import drop_before
from services.eventlog.domain.log_id import begin_of
from shared.clock import Clock
from shared.eventstore.store import EventStore

log = structlog.get_logger("eventlog")
_STEP = 1000
_FORGET = "DELETE FROM fact WHERE id IN (SELECT id FROM fact WHERE id < ? ORDER BY id LIMIT ?)"
_DAY = 86_400_000_000


class Pruner:
    """Deletes old events at intervals."""

    def __init__(self, store: EventStore, clock: Clock, keep_days: int, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep_days * _DAY
        self._seconds = seconds

    async def turn(self) -> None:
        """Prune once and wait. Raises StoreUnavailable."""
        if count := await self.prune():
            log.info("eventlog.pruned", events=count)
        await asyncio.sleep(self._seconds)

    async def prune(self) -> int:
        """Delete the events that are too old now; returns their number."""
        first_kept = begin_of(self._clock.now() - self._keep)
        total, count = 0, _STEP
        while count == _STEP:
            count = await self._store.write(
                lambda transaction: transaction.connection.execute(_FORGET, (first_kept, _STEP))
            )
            total += count
        while await self._store.write(lambda transaction: drop_before(transaction.connection, first_kept)):
            pass
        await self._store.write(lambda transaction: copy_rows.drop_before(transaction.connection, first_kept))
        return total
