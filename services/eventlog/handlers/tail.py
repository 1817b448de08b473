"""The live tail: every reader gets each event when it is written to the log."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence

from services.eventlog.adapters.log_writer import Incoming
from services.eventlog.adapters.logged_event import Filter
from services.eventlog.domain.log_id import service_and_shard
from shared.grpc.errors import LimitReached

_AT_ONCE = 500


class TailReader:
    """A reader of the live tail, with the events that are waiting for it."""

    def __init__(self, event_filter: Filter, limit: int) -> None:
        self._filter = event_filter
        self._limit = limit
        self._waiting: deque[Incoming] = deque()
        self._has_events = asyncio.Event()
        self._too_slow = False

    def offer(self, events: Sequence[Incoming]) -> None:
        """Queue the events that match the filter."""
        passing = [
            incoming for incoming in events if self._filter.passes(incoming[1].type, service_and_shard(incoming[0])[0])
        ]
        self._too_slow = self._too_slow or len(self._waiting) + len(passing) > self._limit
        if not self._too_slow:
            self._waiting += passing
        if passing:
            self._has_events.set()

    async def batches(self) -> AsyncIterator[list[Incoming]]:
        """Yield new events without end.

        Raises LimitReached when the reader falls too far behind, because a gap would be worse than an end.
        """
        while True:
            await self._has_events.wait()
            while self._waiting:
                yield [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            if self._too_slow:
                raise LimitReached("the reader fell behind the log; ask again", "tail")
            self._has_events.clear()


class Tail:
    """All readers of the live tail."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._readers: set[TailReader] = set()

    def arrived(self, events: Sequence[Incoming]) -> None:
        """Offer events that were just written to every reader."""
        for reader in self._readers:
            reader.offer(events)

    @contextlib.contextmanager
    def reading(self, event_filter: Filter) -> Iterator[TailReader]:
        """A reader for the length of a `with` block."""
        reader = TailReader(event_filter, self._limit)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
