"""Follows which accounts the directory removes and restores."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.domain import closing
from services.mailstore.handlers import load
from shared.bus.bus import Bus
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.channel import Channel
from shared.owner.follower import Follower, Places
from shared.owner.source import RemoteSource, from_wire
from shared.rpc.mailfold.events.v1 import events_pb2

CURSOR = "closing"
_AREAS = ("account.archived", "account.restored", "account.deleted")


class AccountClosings:
    """The follower. Its position is stored together with the effect of the events."""

    def __init__(self, service: str, store: EventStore, directory: Channel, bus: Bus) -> None:
        self._store = store
        self._follower = Follower(service, RemoteSource(directory), bus, "directory", self._effect, areas=_AREAS)

    async def start(self) -> None:
        """Begin to follow."""
        await self._follower.start(await self._store.followed(CURSOR))

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
                account = recorded.stream.removeprefix("account:")
                provenance = Provenance(recorded.provenance.actor, recorded.provenance.cause)
                tx.append(account, closing.follow(load.closing_of(tx, account), recorded.event), provenance)
            tx.set_cursor(CURSOR, {shard: place.position for shard, place in after.items()})
            tx.set_cursor(f"{CURSOR} at", {shard: place.at for shard, place in after.items()})

        if taken:
            await self._store.write(work)
        else:
            for shard, place in after.items():
                self._store.note_cursor(CURSOR, shard, place.position, place.at)
