"""A follower: reads an owner's facts in order, in batches, and keeps its position in the same transaction as the
effect.

A doorbell on the bus only wakes it. It also compares heads at the start, on reconnect and every 30 seconds, so that a
wiped or silent bus delays and never loses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from shared.bus.bus import Bus
from shared.bus.subjects import store_doorbell_pattern
from shared.grpc.errors import ServiceError
from shared.owner.source import RemoteSource
from shared.rpc.mailfold.events.v1 import events_pb2 as pb
from shared.shards import SHARDS
from shared.waking import woken_within

log = structlog.get_logger("follower")

Effect = Callable[[Sequence[pb.Event], dict[int, int]], Awaitable[None]]
"""Takes a batch and the cursor after it; makes both durable in one transaction (or holds both in memory)."""


class Follower:
    """Follows one service. Positions are loaded by `load` at the start."""

    def __init__(
        self,
        name: str,
        source: RemoteSource,
        bus: Bus,
        service: str,
        effect: Effect,
        *,
        gather_seconds: float = 0.02,
        compare_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self._source = source
        self._bus = bus
        self._service = service
        self._effect = effect
        self._gather = gather_seconds
        self._compare = compare_seconds
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.positions: dict[int, int] = dict.fromkeys(range(SHARDS), 0)
        self.caught_up = asyncio.Event()
        """Set once everything that was there at the start has been followed."""

    async def start(self, positions: dict[int, int] | None = None) -> None:
        """Follow from these positions on (default: the beginning)."""
        self.positions |= positions or {}
        await self._bus.listen(store_doorbell_pattern(self._service), self._rung)
        self._bus.on_connected(self._reconnected)
        self._wake.set()
        self._task = asyncio.create_task(self._follow(), name=f"follower-{self.name}")

    async def stop(self) -> None:
        """Stop after the batch at hand."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

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

    async def _follow(self) -> None:
        pause = 0.1
        while True:
            try:
                await self._catch_up()
                pause = 0.1
                self.caught_up.set()
                await woken_within(self._wake, self._compare)
                # Facts come in bursts: a moment's patience makes one batch, one transaction and one flush of them.
                await asyncio.sleep(self._gather)
            except ServiceError as error:
                log.debug("follower.waits", follower=self.name, error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            except Exception as error:
                log.error("follower.failed", follower=self.name, exc_info=error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)

    async def _catch_up(self) -> None:
        self._wake.clear()
        async for events in self._source.read(self.positions):
            fresh = [event for event in events if event.position > self.positions[event.shard]]
            if fresh:
                after = self.positions | {event.shard: event.position for event in fresh}
                await self._effect(fresh, after)
                self.positions = after
