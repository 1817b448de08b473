"""Facts of one service for another: the servicer on the owner's side and the reader on the follower's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from shared.eventstore.connection import Row
from shared.eventstore.event import (
    Event,
    Provenance,
    Recorded,
    UnknownEvent,
    decode,
    decode_actor,
    without_secrets,
)
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import row_of
from shared.rpc.mailfold.events.v1 import events_pb2 as pb
from shared.rpc.mailfold.events.v1.events_pb2_grpc import EventSourceServicer, EventSourceStub
from shared.shards import SHARDS


def _carried(row: Row) -> pb.Event:
    """A stored row (COLUMNS) as the contract carries it: not decoded, so facts of any release pass; without what is the
    owner's secret.
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
    """The event as the contract carries it."""
    return _carried(row_of(recorded))


def from_wire(event: pb.Event) -> Recorded:
    """The event from the contract. Raises UnknownEvent, also for data that does not fit its type: the same again would
    fail again, and a follower would stand still before it for ever.
    """
    why = Provenance(decode_actor(event.actor), event.cause, event.correlation, event.command)
    try:
        data: Event = decode(event.type, event.schema, event.data)
    except msgspec.DecodeError as error:
        raise UnknownEvent(f"{event.type} schema {event.schema}: {error}") from error
    return Recorded(event.shard, event.position, event.stream, event.version, event.at, why, data)


class StoreSource(EventSourceServicer):
    """Answers followers from the owner's store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def ReadEvents(self, request: pb.ReadEventsRequest, context: Any) -> AsyncIterator[pb.EventBatch]:
        limit = min(request.batch or 500, 5000)
        heads = await self._store.heads()
        batch: list[pb.Event] = []
        for shard in range(SHARDS):
            after = request.after.get(shard, 0)
            while after < heads.get(shard, 0):
                rows = await self._store.read_rows(shard, after, limit - len(batch))
                if not rows:
                    break
                batch += map(_carried, rows)
                after = rows[-1][1]
                if len(batch) >= limit:
                    yield pb.EventBatch(events=batch)
                    batch = []
        if batch:
            yield pb.EventBatch(events=batch)

    async def Heads(self, request: pb.HeadsRequest, context: Any) -> pb.HeadsReply:
        return pb.HeadsReply(heads=await self._store.heads())


class RemoteSource:
    """Reads the facts of another service through its contract."""

    def __init__(self, channel: Any) -> None:
        self._stub: Any = EventSourceStub(channel)

    async def read(self, after: Mapping[int, int], batch: int = 500) -> AsyncIterator[list[pb.Event]]:
        """Everything behind the positions, in batches of one shard each, undecoded."""
        async for reply in self._stub.ReadEvents(pb.ReadEventsRequest(after=dict(after), batch=batch)):
            yield list(reply.events)

    async def heads(self) -> dict[int, int]:
        """The last position of each shard."""
        return dict((await self._stub.Heads(pb.HeadsRequest())).heads)
