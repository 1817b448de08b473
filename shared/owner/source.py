"""Facts of one service for another: the servicer on the owner's side and the reader on the follower's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from shared.eventstore.event import Event, Provenance, Recorded, decode, decode_actor, encode, encode_actor
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.events.v1 import events_pb2 as pb
from shared.rpc.mailfold.events.v1.events_pb2_grpc import EventSourceServicer, EventSourceStub
from shared.shards import SHARDS


def to_wire(recorded: Recorded) -> pb.Event:
    """The event as the contract carries it."""
    why = recorded.provenance
    return pb.Event(
        shard=recorded.shard, position=recorded.position, stream=recorded.stream, version=recorded.version, type=recorded.event.stored_name,
        schema=recorded.event.schema, at=recorded.at, cause=why.cause, correlation=why.correlation, command=why.command,
        actor=encode_actor(why.actor), data=encode(recorded.event),
    )  # fmt: skip


def from_wire(event: pb.Event) -> Recorded:
    """The event from the contract. Raises UnknownEvent."""
    why = Provenance(decode_actor(event.actor), event.cause, event.correlation, event.command)
    data: Event = decode(event.type, event.schema, event.data)
    return Recorded(event.shard, event.position, event.stream, event.version, event.at, why, data)


class StoreSource(EventSourceServicer):
    """Answers followers from the owner's store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def ReadEvents(self, request: pb.ReadEventsRequest, context: Any) -> AsyncIterator[pb.EventBatch]:
        limit = min(request.batch or 500, 5000)
        heads = await self._store.heads()
        for shard in range(SHARDS):
            after = request.after.get(shard, 0)
            while after < heads.get(shard, 0):
                events = await self._store.read_events(shard, after, limit)
                if not events:
                    break
                yield pb.EventBatch(events=[to_wire(event) for event in events])
                after = events[-1].position

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
