"""Follows an owner's events into a store: the position is stored in the same transaction as the effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.bus.bus import Bus
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.channel import Channel
from shared.owner.follower import Follower, Places
from shared.owner.source import RemoteSource, from_wire
from shared.rpc.mailfold.events.v1 import events_pb2


class StoredFollower:
    """Applies the events of the directory whose types begin with one of `areas`.

    `cursor` names the position; `long`: the effect may take long, so it is written beside the event loop.
    """

    def __init__(
        self,
        service: str,
        store: EventStore,
        directory: Channel,
        bus: Bus,
        cursor: str,
        areas: Sequence[str],
        *,
        apply: Callable[[Transaction, Recorded], None],
        long: bool = False,
    ) -> None:
        self._store = store
        self._cursor = cursor
        self._apply = apply
        self._long = long
        self._follower = Follower(service, RemoteSource(directory), bus, "directory", self._effect, areas=areas)

    async def start(self) -> None:
        """Begin to follow."""
        await self._follower.start(await self._store.followed(self._cursor))

    async def stop(self) -> None:
        """Stop following."""
        await self._follower.stop()

    async def lag(self) -> int:
        """The number of events of the directory that are not followed yet; -1 when it does not answer."""
        return await self._follower.known_lag()

    async def _effect(self, events: Sequence[events_pb2.Event], after: Places) -> None:
        taken = [from_wire(event) for event in events]

        def work(tx: Transaction) -> None:
            for recorded in taken:
                self._apply(tx, recorded)
            tx.set_cursor(self._cursor, {shard: place.position for shard, place in after.items()})
            tx.set_cursor(f"{self._cursor} at", {shard: place.at for shard, place in after.items()})

        if taken:
            await self._store.write(work, long=self._long)
        else:
            for shard, place in after.items():
                self._store.note_cursor(self._cursor, shard, place.position, place.at)
