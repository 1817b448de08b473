"""The address book in another service's memory, which a follower keeps up to date.

For addresses that the copy does not know, the directory is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.bus.bus import Bus
from shared.eventstore.event import Event, UnknownEvent
from shared.grpc.channel import Channel
from shared.owner.follower import Follower, Places
from shared.owner.source import RemoteSource, from_place, from_wire
from shared.protocol.address.address import Address
from shared.routing.address_book import AddressBook
from shared.routing.resolution import Resolution, ResolutionKind, Target
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.events.v1 import events_pb2

_KINDS = {
    pb.Resolution.UNKNOWN: ResolutionKind.UNKNOWN,
    pb.Resolution.ACCOUNTS: ResolutionKind.ACCOUNTS,
    pb.Resolution.REMOTE: ResolutionKind.REMOTE,
    pb.Resolution.DISABLED: ResolutionKind.DISABLED,
    pb.Resolution.OUTGOING_ONLY: ResolutionKind.OUTGOING_ONLY,
}
_AREAS = ("domain.", "account.", "alias.", "list.", "group.", "sendas.", "sharing.")
"""The areas of events that change the address book."""
_LISTS = "blocking."
"""The events of blocked and allowed senders, which services follow that need them."""
_USERS = "user."
"""The events that end log-ins as well. Log-ins themselves are followed only by the event log."""


class FollowedBook:
    """A service's copy. Each start reads the directory's present state and follows it from there."""

    def __init__(self, service: str, channel: Channel, bus: Bus) -> None:
        self._owner = DirectoryStub(channel)
        self._book = AddressBook()
        self._is_whole = True
        self._source = RemoteSource(channel)
        self.follower = Follower(
            service, self._source, bus, "directory", self._fold, areas=(*_AREAS, _USERS, _LISTS), begin=self._begin
        )

    async def start(self) -> None:
        """Begin to follow."""
        await self.follower.start()

    async def stop(self) -> None:
        """Stop following."""
        await self.follower.stop()

    async def lag(self) -> int:
        """The number of events of the directory that are not followed yet; -1 when it does not answer."""
        return await self.follower.known_lag()

    @property
    def copy(self) -> AddressBook | None:
        """The address book in memory; None while it cannot be trusted."""
        return self._book if self._is_whole and self.follower.caught_up.is_set() else None

    async def resolve(self, address: Address) -> Resolution:
        """Where mail to an address goes.

        The copy never decides that an address does not exist. Raises ServiceError when the directory must be asked and
        does not answer.
        """
        if self.copy is not None:
            resolution = self.copy.resolve(address)
            if resolution.kind is ResolutionKind.ACCOUNTS:
                return resolution
        reply = await self._owner.Resolve(pb.ResolveRequest(address=str(address)))
        targets = tuple(
            Target(
                target.address, target.account, target.quota_bytes, target.list_id, quota_messages=target.quota_messages
            )
            for target in reply.targets
        )
        return Resolution(_KINDS[reply.kind], targets, reply.via, reply.detail)

    def size_limit_of(self, address: Address) -> int:
        """Octets of the largest message to or from an account; 0: no limit of its own, as far as the copy knows."""
        return self.copy.size_limit_of(address) if self.copy is not None else 0

    def take(self, event: Event, position: int) -> None:
        """Apply one of the directory's events. A service that needs more of them than the book extends this method."""
        self._book.apply(event)

    def reset(self) -> None:
        """Forget everything, because the copy is made anew."""
        self._book = AddressBook()
        self._is_whole = True

    async def _begin(self) -> Places:
        self.reset()
        heads: Places = {}
        async for batch in self._source.state():
            heads |= {shard: from_place(place) for shard, place in batch.heads.items()}
            await self._fold(batch.events, {})
        return heads

    async def _fold(self, events: Sequence[events_pb2.Event], _after: Places) -> None:
        for event in events:
            known = self._decode_known(event)
            if known is not None:
                self.take(known, event.position)

    def _decode_known(self, event: events_pb2.Event) -> Event | None:
        try:
            return from_wire(event).event
        except UnknownEvent:
            # An event of a later release. It may change addresses, so the directory is asked for each address from here
            # on.
            self._is_whole = self._is_whole and not event.type.startswith(_AREAS)
            return None
