"""Follows an owner's events in order and in batches, and stores its position in the same transaction as their effect.

A doorbell on the bus only wakes it early. It also compares positions at the start, on reconnect and every 30 seconds,
so that a bus that is silent or was deleted only delays it.

An owner that was restored from a backup has other events after the place of the backup, at positions that the follower
has passed; these would be missed. So every place contains the time of its event. The owner refuses to continue after an
event that it does not have, and the follower goes back to a place at which both logs certainly agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from shared.background import BackgroundTask, moment, woken_within
from shared.bus.bus import Bus
from shared.bus.subjects import store_doorbell_pattern
from shared.eventstore.log_reading import NOWHERE, LogPosition
from shared.grpc.errors import Conflict, ServiceError
from shared.ids import SHARDS
from shared.owner.source import DIVERGED, RemoteSource
from shared.rpc.mailfold.events.v1 import events_pb2 as pb

log = structlog.get_logger("follower")

_COMPARISONS_MISSED = 4

Places = dict[int, LogPosition]
Effect = Callable[[Sequence[pb.Event], Places], Awaitable[None]]
"""Takes a batch and the places after it, and stores both in one transaction (or keeps both in memory)."""
Rewind = Callable[[Places], Awaitable[Places]]
"""Takes the places up to which the owner's log is the one that was followed; returns those from which to follow again.
"""


class Follower:
    """Follows the events of `owner` for another service. `areas` limits them to types that begin with one of these.

    `rewind` is awaited when the owner's log is not the one that was followed. By default everything after the common
    place is followed again, for which effects must be idempotent. `begin` is for a copy in memory: the copy is made
    from the owner's state at the start, and again in that case.
    """

    def __init__(
        self,
        service: str,
        source: RemoteSource,
        bus: Bus,
        owner: str,
        effect: Effect,
        *,
        areas: Sequence[str] = (),
        begin: Callable[[], Awaitable[Places]] | None = None,
        rewind: Rewind | None = None,
        gather_seconds: float = 0.02,
        compare_seconds: float = 30.0,
    ) -> None:
        self._source = source
        self._bus = bus
        self._owner = owner
        self._effect = effect
        self._areas = tuple(areas)
        self._begin = begin
        self._rewind = rewind
        self._has_begun = begin is None
        self._gather = gather_seconds
        self._compare = compare_seconds
        self._wake = asyncio.Event()
        self._is_doubtful = True
        """Whether the owner's log may differ from the one that was followed."""
        self._task = BackgroundTask(
            service,
            f"follower-{owner}",
            self._turn,
            longest=_COMPARISONS_MISSED * compare_seconds,
            not_now=(ServiceError,),
            longest_pause=5.0,
        )
        self.places: Places = dict.fromkeys(range(SHARDS), NOWHERE)
        self.caught_up = asyncio.Event()
        """Set once all events that existed at the start are followed."""

    @property
    def positions(self) -> dict[int, int]:
        """The last followed position of each shard."""
        return {shard: place.position for shard, place in self.places.items()}

    async def start(self, places: Mapping[int, LogPosition] | None = None) -> None:
        """Begin to follow from these places (default: the beginning)."""
        self.places |= places or {}
        await self._bus.listen(store_doorbell_pattern(self._owner), self._rung)
        self._bus.on_connected(self._on_reconnect)
        self._wake.set()
        self._task.start()

    async def stop(self) -> None:
        """Stop following; a batch in progress is dropped."""
        await self._task.stop()

    async def lag(self) -> int:
        """The number of events that are waiting to be followed."""
        heads = await self._source.heads()
        return sum(max(0, head.position - self.places[shard].position) for shard, head in heads.items())

    async def known_lag(self) -> int:
        """Like `lag`; -1 when the owner does not answer."""
        try:
            return await self.lag()
        except ServiceError:
            return -1

    def wake(self) -> None:
        """Look for events now."""
        self._wake.set()

    def _rung(self, _subject: str, _payload: bytes) -> None:
        self._wake.set()

    async def _on_reconnect(self) -> None:
        self._is_doubtful = True
        self._wake.set()

    async def _turn(self) -> None:
        try:
            await self._catch_up()
        except ServiceError as error:
            self._is_doubtful = True  # it may have another log when it is back
            if isinstance(error, Conflict) and error.reason == DIVERGED:
                await asyncio.sleep(self._gather)
                return
            raise
        self._task.advanced()
        self._task.complaint = ""
        self.caught_up.set()
        if not await woken_within(self._wake, self._compare):
            self._is_doubtful = True
        # Events come in bursts. Waiting a moment gives one batch, one transaction and one flush for a burst.
        await asyncio.sleep(self._gather)

    async def _catch_up(self) -> None:
        self._wake.clear()
        if not self._has_begun:
            await self._begin_anew()
        elif self._is_doubtful:
            await self._agree()
        self._is_doubtful = False
        async for batch in self._source.read(self.places, self._areas):
            await self._take(batch)
            self._task.advanced()

    async def _take(self, batch: pb.EventBatch) -> None:
        fresh = [event for event in batch.events if event.position > self.places[event.shard].position]
        after = self.places | {event.shard: LogPosition(event.position, event.at) for event in fresh}
        after |= {shard: LogPosition(place.position, place.at) for shard, place in batch.reached.items()}
        if fresh or self._areas:  # events that the filter left out need not be read again
            await self._effect(fresh, after)
        self.places = after

    async def _agree(self) -> None:
        """Ask the owner whether its log is the one that was followed, and go back if it is not."""
        followed = {shard: place for shard, place in self.places.items() if place.position}
        if not followed:
            return
        agreed = self.places | await self._source.agreed(followed)
        if any(agreed[shard].position != place.position for shard, place in followed.items()):
            await self._go_back(agreed)
        else:
            self.places = agreed  # with the times that an older release did not store

    async def _go_back(self, agreed: Places) -> None:
        behind = sum(place.position - agreed[shard].position for shard, place in self.places.items())
        log.warning("follower.diverged", service=self._task.service, owner=self._owner, events=behind)
        cause = f"at {moment(0)} the log of {self._owner} was another than was followed (restored from a backup?)"
        self._task.complaint = f"{cause}; {behind} events are followed anew now"
        self._task.note = f"{cause}; {behind} events were followed anew"
        self.caught_up.clear()
        if self._begin is not None:
            await self._begin_anew()
        else:
            self.places = await self._rewind(agreed) if self._rewind is not None else agreed

    async def _begin_anew(self) -> None:
        assert self._begin is not None
        self._has_begun = False  # set again when it is done
        self.places = dict.fromkeys(range(SHARDS), NOWHERE) | await self._begin()
        self._has_begun = True
