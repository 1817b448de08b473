"""Forgetting: facts older than the kept days leave in small steps, each a unit of work of its own."""

from __future__ import annotations

import asyncio

import structlog

from services.eventlog.domain.log_id import begin_of, day_of
from shared.clock import Clock
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

log = structlog.get_logger("eventlog")
_STEP = 1000
_DAY = 86_400_000_000


class Pruner:
    """Looks every now and then for facts that are too old."""

    def __init__(self, store: EventStore, clock: Clock, keep_days: int, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep_days * _DAY
        self._seconds = seconds

    async def serve(self) -> None:
        """Prune for ever."""
        while True:
            try:
                count = await self.prune()
                if count:
                    log.info("eventlog.pruned", facts=count)
            except StoreUnavailable as error:
                log.warning("eventlog.prune_waits", error=str(error))
            await asyncio.sleep(self._seconds)

    async def prune(self) -> int:
        """Forget what is too old now; the number of facts."""
        first_kept = begin_of(self._clock.now() - self._keep)
        facts = await self._repeat("DELETE FROM fact WHERE id IN (SELECT id FROM fact WHERE id < ? ORDER BY id LIMIT ?)", first_kept)
        await self._repeat(
            "DELETE FROM fact_key WHERE (day, key, id) IN (SELECT day, key, id FROM fact_key WHERE day < ? ORDER BY day, key, id LIMIT ?)", day_of(first_kept)
        )
        return facts

    async def _repeat(self, sql: str, border: int) -> int:
        total = 0
        while True:
            count = await self._store.write(lambda transaction: _step(transaction, sql, border))
            total += count
            if count < _STEP:
                return total


def _step(transaction: Transaction, sql: str, border: int) -> int:
    return transaction.connection.execute(sql, (border, _STEP))
