"""A follower: reads an owner's facts in order, in batches, and keeps its position in the same transaction as the
effect.

A doorbell on the bus only wakes it. It also compares heads at the start, on reconnect and every 30 seconds, so that a
wiped or silent bus delays and never loses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.background import BackgroundTask
from shared.bus.bus import Bus
from shared.bus.subjects import store_doorbell_pattern
from shared.grpc.errors import ServiceError
from shared.owner.source import RemoteSource
from shared.rpc.mailfold.events.v1 import events_pb2 as pb
from shared.shards import SHARDS
from shared.waking import woken_within

_COMPARISONS_MISSED = 4

Effect = Callable[[Sequence[pb.Event], dict[int, int]], Awaitable[None]]
"""Takes a batch and the cursor after it; makes both durable in one transaction (or holds both in memory)."""


class Follower:
    """Follows the events of one service, `owner`, for another."""

    def __init__(
        self,
        service: str,
        source: RemoteSource,
        bus: Bus,
        owner: str,
        effect: Effect,
        *,
        gather_seconds: float = 0.02,
        compare_seconds: float = 30.0,
    ) -> None:
        self._source = source
        self._bus = bus
        self._owner = owner
        self._effect = effect
        self._gather = gather_seconds
        self._compare = compare_seconds
        self._wake = asyncio.Event()
        self._task = BackgroundTask(
            service,
            f"follower-{owner}",
            self._turn,
            longest=_COMPARISONS_MISSED * compare_seconds,
            not_now=(ServiceError,),
            longest_pause=5.0,
        )
        self.positions: dict[int, int] = dict.fromkeys(range(SHARDS), 0)
        self.caught_up = asyncio.Event()
        """Set once everything that was there at the start has been followed."""

    async def start(self, positions: dict[int, int] | None = None) -> None:
        """Follow from these positions on (default: the beginning)."""
        self.positions |= positions or {}
        await self._bus.listen(store_doorbell_pattern(self._owner), self._rung)
        self._bus.on_connected(self._reconnected)
        self._wake.set()
        self._task.start()

    async def stop(self) -> None:
        """Follow no more; a batch at hand is given up."""
        await self._task.stop()

    async def lag(self) -> int:
        """How many facts are waiting to be followed."""
        heads = await self._source.heads()
        return sum(max(0, head - self.positions[shard]) for shard, head in heads.items())

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def _rung(self, _subject: str, _payload: bytes) -> None:
        self._wake.set()

    async def _reconnected(self) -> None:
        self._wake.set()

    async def _turn(self) -> None:
        await self._catch_up()
        self._task.advanced()
        self.caught_up.set()
        await woken_within(self._wake, self._compare)
        # Events come in bursts: a moment's patience makes one batch, one transaction and one flush of them.
        await asyncio.sleep(self._gather)

    async def _catch_up(self) -> None:
        self._wake.clear()
        async for events in self._source.read(self.positions):
            fresh = [event for event in events if event.position > self.positions[event.shard]]
            if fresh:
                after = self.positions | {event.shard: event.position for event in fresh}
                await self._effect(fresh, after)
                self.positions = after
                self._task.advanced()
