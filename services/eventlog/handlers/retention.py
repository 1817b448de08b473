"""Keeps the copy of the log in OpenSearch within its days and its room: rolled over, dropped, compared, unblocked."""

from __future__ import annotations

from collections import Counter
from functools import partial
from time import monotonic

import structlog

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.cluster import lift_block, room
from services.eventlog.adapters.event_stream import EventStream
from services.eventlog.domain.log_id import begin_of
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchError

log = structlog.get_logger("eventlog")
_DAY = 86_400_000_000
_COUNT = "SELECT count(*) FROM fact WHERE id >= ? AND id < ?"
_WAITING = "SELECT count(*) FROM fact_unsent WHERE id >= ? AND id < ?"


class RetentionLimits:
    """For how long events are kept, and when a generation is large or old enough."""

    def __init__(self, keep_days: int, roll_days: int, roll_octets: int, seconds: float) -> None:
        self.keep_days = keep_days
        self.roll_days = roll_days
        self.roll_octets = roll_octets
        self.seconds = seconds


class Retention:
    """The care of the data stream, which Mailfold takes itself."""

    def __init__(self, store: EventStore, client: OpenSearchClient, clock: Clock, limits: RetentionLimits) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._limits = limits
        self._stream = EventStream(client)
        self._due = 0.0
        self.refused_on: Counter[int] = Counter()
        """Events that OpenSearch refused since the start, by their day; they are found in the log itself."""
        self.warning = ""
        """What the operator should know although all is well."""

    @property
    def seconds(self) -> float:
        """Seconds between two looks."""
        return self._limits.seconds

    async def keep(self) -> bool:
        """Do what is due; returns whether events must be sent again. Raises OpenSearchError and StoreUnavailable."""
        if monotonic() < self._due:
            return False
        await self._stream.roll(self._limits.roll_days, self._limits.roll_octets)
        await self.drop_old()
        lacks = await self.compare()
        self.warning = (await room(self._client)).warning
        self._due = monotonic() + self._limits.seconds
        return lacks

    async def drop_old(self) -> int:
        """Drop every generation whose newest event is too old; returns their number.

        The one that is written cannot be dropped, so a new one is begun before.
        """
        first_kept = self._clock.now() - self._limits.keep_days * _DAY
        generations = await self._stream.generations()
        old = [generation for generation in generations if 0 < generation.newest < first_kept]
        old += [generation for generation in generations[:-1] if not generation.newest]
        if generations[-1] in old:
            await self._stream.begin_generation()
        for generation in old:
            await self._stream.drop(generation.name)
            log.info("eventlog.generation_dropped", index=generation.name)
        return len(old)

    async def make_room(self) -> None:
        """On a full disk: drop what is too old, and lift the block when there is room again."""
        try:
            first_kept = self._clock.now() - self._limits.keep_days * _DAY
            for generation in (await self._stream.generations())[:-1]:
                if generation.newest < first_kept:
                    await self._stream.drop(generation.name)
            if (await room(self._client)).is_roomy:
                await lift_block(self._client, self._stream.name)
                log.info("eventlog.block_lifted", stream=self._stream.name)
        except OpenSearchError as error:
            log.warning("eventlog.no_room_made", error=str(error))

    async def compare(self) -> bool:
        """Compare the counts of each kept day, and send the events of a day again of which OpenSearch lacks some.

        Returns whether there was such a day.
        """
        now, lacks = self._clock.now(), False
        for day in range(now - now % _DAY, now - self._limits.keep_days * _DAY, -_DAY):
            first, end = begin_of(day), begin_of(day + _DAY)
            kept, waiting = await self._store.read_long(partial(_counts, first=first, end=end))
            if kept and await self._count(first, end) < kept - waiting - self.refused_on[day]:
                log.warning("eventlog.copy_incomplete", day=day)
                await self._store.write(partial(_send_again, first=first, end=end), long=True)
                lacks = True
        return lacks

    async def _count(self, first: int, end: int) -> int:
        return await self._stream.count({"range": {"log_id": {"gte": first, "lt": end}}})


def _counts(reader: Reader, first: int, end: int) -> tuple[int, int]:
    rows = [reader.first_row(sql, (first, end)) for sql in (_COUNT, _WAITING)]
    kept, waiting = (int(row[0]) if row else 0 for row in rows)
    return kept, waiting


def _send_again(tx: Transaction, first: int, end: int) -> None:
    while first:
        first = copy_rows.send_span(tx.connection, first, end)
