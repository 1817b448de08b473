"""Events of one service for others: the servicer at the owner, what wakes the followers, and the reader at the
follower."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from shared.eventstore.connection import Row
from shared.eventstore.event import (
    Actor,
    Event,
    Provenance,
    Recorded,
    UnknownEvent,
    decode,
    decode_actor,
    without_secrets,
)
from shared.eventstore.log_reading import LogPosition, Page
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import row_of
from shared.grpc.channel import Channel
from shared.grpc.errors import Conflict, NotNow
from shared.rpc.mailfold.events.v1 import events_pb2 as pb
from shared.rpc.mailfold.events.v1.events_pb2_grpc import EventSourceServicer, EventSourceStub

DIVERGED = "diverged"
"""The reason of a conflict: the owner's log is not the one that was followed, because it was restored from a backup."""
_BATCH, _MOST = 500, 5000
"""Events of a batch: by default, and at most."""
OCTETS = 1024 * 1024
"""Octets of a batch; the event that fills it may exceed them."""
_A_TURN, _A_PAGE, _AN_EVENT = 64 * 1024, 4 * 1024, 1024
"""Octets that are read before other work gets a turn; a page and an event count as additional octets."""
_STATE = Provenance(Actor("system", "state"))
State = Callable[[], AsyncIterator[Sequence[Event]]]


def _carried(row: Row) -> pb.Event:
    """A stored row (COLUMNS) in the form of the contract, without the owner's secrets.

    The data is not decoded, so that events of any release can be passed on.
    """
    shard, position, stream, version, name, schema, at, cause, correlation, command, actor, data = row
    return pb.Event(
        shard=shard,
        position=position,
        stream=stream,
        version=version,
        type=name,
        schema=schema,
        at=at,
        cause=cause,
        correlation=correlation,
        command=command,
        actor=actor,
        data=without_secrets(name, bytes(data)),
    )


def to_wire(recorded: Recorded) -> pb.Event:
    """The event in the form of the contract."""
    return _carried(row_of(recorded))


def from_wire(event: pb.Event) -> Recorded:
    """The event from the contract.

    Raises UnknownEvent, also for data that does not fit its type, because a repeat would fail again and block the
    follower.
    """
    provenance = Provenance(decode_actor(event.actor), event.cause, event.correlation, event.command)
    try:
        data: Event = decode(event.type, event.schema, event.data)
    except msgspec.DecodeError as error:
        raise UnknownEvent(f"{event.type} schema {event.schema}: {error}") from error
    return Recorded(event.shard, event.position, event.stream, event.version, event.at, provenance, data)


class _Batch:
    """The events to be sent together, up to a number of events or octets."""

    def __init__(self) -> None:
        self._reply = pb.EventBatch()
        self._octets = 0
        self._last: Row | None = None

    def add(self, row: Row) -> None:
        """Add an event; this batch or an earlier one contains everything of its shard up to this event."""
        self._reply.events.append(_carried(row))
        self._octets += len(row[-1])
        self._last = row

    def reached(self, shard: int, place: LogPosition) -> None:
        """Note that there are no further events for the reader up to this place."""
        reached = self._reply.reached[shard]
        reached.position, reached.at = place
        self._last = None

    def is_full(self, limit: int) -> bool:
        """Whether the batch should be sent now."""
        return len(self._reply.events) >= limit or self._octets >= OCTETS

    @property
    def says_anything(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._reply.reached)

    def taken(self) -> pb.EventBatch:
        """Take the batch and begin another one. A batch that ends within a page reaches up to its last event."""
        if self._last is not None:
            shard, position, at = self._last[0], self._last[1], self._last[6]
            self.reached(shard, LogPosition(position, at))
        reply, self._reply, self._octets = self._reply, pb.EventBatch(), 0
        return reply


class StoreSource(EventSourceServicer):
    """Answers followers from the owner's store.

    `state` returns the events that would create the owner's present state.
    """

    def __init__(self, store: EventStore, state: State | None = None) -> None:
        self._store = store
        self._state = state

    async def ReadEvents(self, request: pb.ReadEventsRequest, context: Any) -> AsyncIterator[pb.EventBatch]:
        limit = min(request.batch or _BATCH, _MOST)
        batch = _Batch()
        async for shard, page in self._pages(request):
            for row in page.rows:
                batch.add(row)
                if batch.is_full(limit):
                    yield batch.taken()
            batch.reached(shard, page.reached)
        if batch.says_anything:
            yield batch.taken()

    async def _pages(self, request: pb.ReadEventsRequest) -> AsyncIterator[tuple[int, Page]]:
        heads = await self._store.heads()
        _check_heads(request, heads)
        read = 0
        for shard, head in heads.items():
            after, seen_at = request.after.get(shard, 0), request.at.get(shard, 0)
            while after < head:
                page = await self._store.read_page(shard, after, head, request.areas)
                _check(page, seen_at)
                yield shard, page
                read += _cost(page, page.reached.position - after)
                if read >= _A_TURN:
                    await asyncio.sleep(0)  # in one process no other task would have a turn until everything was read
                    read = 0
                after, seen_at = page.reached.position, 0

    async def ReadState(self, request: pb.ReadStateRequest, context: Any) -> AsyncIterator[pb.StateBatch]:
        if self._state is None:
            raise NotNow("this service gives its events alone", "no-state")
        heads = await self._store.places()
        yield pb.StateBatch(heads={shard: to_place(place) for shard, place in heads.items()})
        async for events in self._state():
            yield pb.StateBatch(events=[to_wire(Recorded(0, 0, "", 0, 0, _STATE, event)) for event in events])
            await asyncio.sleep(0)

    async def Agree(self, request: pb.AgreeRequest, context: Any) -> pb.AgreeReply:
        followed = {shard: from_place(place) for shard, place in request.followed.items()}
        agreed = await self._store.agreed(followed)
        return pb.AgreeReply(agreed={shard: to_place(place) for shard, place in agreed.items()})

    async def Heads(self, request: pb.HeadsRequest, context: Any) -> pb.HeadsReply:
        heads = await self._store.places()
        return pb.HeadsReply(
            heads={shard: place.position for shard, place in heads.items()},
            at={shard: place.at for shard, place in heads.items()},
        )


class RemoteSource:
    """Reads the events of another service through its contract. Every call raises ServiceError."""

    def __init__(self, channel: Channel) -> None:
        self._stub = EventSourceStub(channel)

    async def read(
        self, followed: Mapping[int, LogPosition], areas: Sequence[str] = (), batch: int = 0
    ) -> AsyncIterator[pb.EventBatch]:
        """All events after these places, not decoded.

        Raises Conflict (DIVERGED) when the log is not the one that was followed.
        """
        after = {shard: place.position for shard, place in followed.items() if place.position}
        seen_at = {shard: place.at for shard, place in followed.items() if place.at}
        request = pb.ReadEventsRequest(after=after, at=seen_at, areas=areas, batch=batch)
        async for reply in self._stub.ReadEvents(request):
            yield reply

    async def state(self) -> AsyncIterator[pb.StateBatch]:
        """The present state as events; the first batch has the places from which the log must be followed."""
        async for reply in self._stub.ReadState(pb.ReadStateRequest()):
            yield reply

    async def agreed(self, followed: Mapping[int, LogPosition]) -> dict[int, LogPosition]:
        """The places up to which the owner's log is the one that was followed."""
        request = pb.AgreeRequest(followed={shard: to_place(place) for shard, place in followed.items()})
        return {shard: from_place(place) for shard, place in (await self._stub.Agree(request)).agreed.items()}

    async def heads(self) -> dict[int, LogPosition]:
        """The last place of each shard."""
        reply = await self._stub.Heads(pb.HeadsRequest())
        return {shard: LogPosition(position, reply.at.get(shard, 0)) for shard, position in reply.heads.items()}


def to_place(place: LogPosition) -> pb.Place:
    """A place in the form of the contract."""
    return pb.Place(position=place.position, at=place.at)


def from_place(place: pb.Place) -> LogPosition:
    """A place from the contract."""
    return LogPosition(place.position, place.at)


def _cost(page: Page, passed: int) -> int:
    """The work of reading a page with so many skipped events, in octets."""
    return _A_PAGE + passed * _AN_EVENT + sum(len(row[-1]) for row in page.rows)


def _check_heads(request: pb.ReadEventsRequest, heads: Mapping[int, int]) -> None:
    for shard, after in request.after.items():
        if after > heads.get(shard, 0):
            raise Conflict(f"shard {shard} was followed to {after}, and the log does not reach so far", DIVERGED)


def _check(page: Page, seen_at: int) -> None:
    if seen_at and page.before is not None and page.before[6] != seen_at:
        raise Conflict(f"shard {page.before[0]} has another event at {page.before[1]} than was followed", DIVERGED)
