"""The live tail: whoever looks on gets every fact as it comes into the log."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence

from services.eventlog.adapters.facts import Filter
from services.eventlog.adapters.intake import Came
from services.eventlog.domain.log_id import lane_origin
from shared.grpc.errors import LimitReached

_AT_ONCE = 500


class Onlooker:
    """One who looks on, with the facts that wait for them."""

    def __init__(self, wanted: Filter, limit: int) -> None:
        self._wanted = wanted
        self._limit = limit
        self._waiting: deque[Came] = deque()
        self._some = asyncio.Event()
        self._too_slow = False

    def show(self, came: Sequence[Came]) -> None:
        """Facts have come."""
        wanted = [one for one in came if self._wanted.wants(one[1].type, lane_origin(one[0])[0])]
        self._too_slow = self._too_slow or len(self._waiting) + len(wanted) > self._limit
        if not self._too_slow:
            self._waiting += wanted
        if wanted:
            self._some.set()

    async def batches(self) -> AsyncIterator[list[Came]]:
        """What comes, for ever. Raises LimitReached when the reader falls too far behind: a gap would be worse than an
        end.
        """
        while True:
            await self._some.wait()
            while self._waiting:
                yield [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            if self._too_slow:
                raise LimitReached("the reader fell behind the log; ask again", "tail")
            self._some.clear()


class Tail:
    """Everyone who looks on."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._onlookers: set[Onlooker] = set()

    def arrived(self, came: Sequence[Came]) -> None:
        """Show these facts, which are in the log now, to all."""
        for onlooker in self._onlookers:
            onlooker.show(came)

    @contextlib.contextmanager
    def looking(self, wanted: Filter) -> Iterator[Onlooker]:
        """Look on for the length of a block."""
        onlooker = Onlooker(wanted, self._limit)
        self._onlookers.add(onlooker)
        try:
            yield onlooker
        finally:
            self._onlookers.discard(onlooker)
