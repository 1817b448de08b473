"""Resolving recipients from the followed directory; what the book does not know is asked of its owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.eventstore.event import decode
from shared.owner.follower import Follower
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.routing.resolution import Kind, Resolution, Target
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.events.v1.events_pb2 import Event

_KINDS = {
    pb.Resolution.UNKNOWN: Kind.UNKNOWN,
    pb.Resolution.ACCOUNTS: Kind.ACCOUNTS,
    pb.Resolution.REMOTE: Kind.REMOTE,
    pb.Resolution.DISABLED: Kind.DISABLED,
    pb.Resolution.OUTGOING_ONLY: Kind.OUTGOING_ONLY,
}


class Routes:
    """The address book of this process, fed by a follower, with the directory behind it."""

    def __init__(self, channel: Any) -> None:
        self.book = AddressBook()
        self._stub: Any = DirectoryStub(channel)
        self._follower: Follower | None = None

    def follow(self, follower: Follower) -> None:
        """Trust the book once this follower has caught up."""
        self._follower = follower

    async def fold(self, events: Sequence[Event], _after: dict[int, int]) -> None:
        """The follower's effect. Facts of a later release that concern no address are passed over."""
        for event in events:
            if event.type.startswith(("domain.", "account.", "alias.")):
                self.book.apply(decode(event.type, event.schema, event.data))

    async def resolve(self, address: str) -> Resolution:
        """Where mail to an address goes. Raises Unavailable when the directory must be asked and does not answer."""
        if self._follower is not None and self._follower.caught_up.is_set():
            found = self.book.resolve(parse_address(address))
            if found.kind is Kind.ACCOUNTS:
                return found
        reply = await self._stub.Resolve(pb.ResolveRequest(address=address))
        targets = tuple(Target(target.address, target.account, target.quota_bytes) for target in reply.targets)
        return Resolution(_KINDS[reply.kind], targets, reply.via, reply.detail)
