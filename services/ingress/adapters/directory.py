"""Where mail to an address goes: from a followed copy of the directory, and from its owner when the copy does not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.bus.bus import Bus
from shared.eventstore.event import UnknownEvent
from shared.grpc.errors import ServiceError
from shared.owner.follower import Follower
from shared.owner.source import RemoteSource, from_wire
from shared.protocol.address.address import Address
from shared.routing.address_book import AddressBook
from shared.routing.resolution import Kind
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.events.v1 import events_pb2

_KINDS = {
    pb.Resolution.UNKNOWN: Kind.UNKNOWN,
    pb.Resolution.ACCOUNTS: Kind.ACCOUNTS,
    pb.Resolution.REMOTE: Kind.REMOTE,
    pb.Resolution.DISABLED: Kind.DISABLED,
    pb.Resolution.OUTGOING_ONLY: Kind.OUTGOING_ONLY,
}


class FollowedDirectory:
    """The address book in memory, kept up by the directory's facts; and the directory's own answers."""

    def __init__(self, channel: Any, bus: Bus) -> None:
        self._stub: Any = DirectoryStub(channel)
        self._book = AddressBook()
        self.follower = Follower("ingress-directory", RemoteSource(channel), bus, "directory", self._apply)

    async def start(self) -> None:
        """Follow from the beginning: the book lives in memory."""
        await self.follower.start()

    async def stop(self) -> None:
        """Follow no more."""
        await self.follower.stop()

    async def lag(self) -> int:
        """How many facts of the directory are not followed yet; -1 when it cannot be asked."""
        try:
            return await self.follower.lag()
        except ServiceError:
            return -1

    async def kind(self, address: Address) -> Kind:
        """What the address is. A refusal is never decided by the copy alone. Raises ServiceError when the owner cannot be asked."""
        if self._book.resolve(address).kind is Kind.ACCOUNTS:
            return Kind.ACCOUNTS
        return _KINDS[(await self._stub.Resolve(pb.ResolveRequest(address=str(address)))).kind]

    async def kind_for_user(self, address: Address) -> Kind:
        """As `kind`; what the copy takes for another server's address is believed, as users may write there."""
        kind = self._book.resolve(address).kind
        if kind is Kind.ACCOUNTS or (kind is Kind.REMOTE and self.follower.caught_up.is_set()):
            return kind
        return await self.kind(address)

    async def not_owned(self, user: str, addresses: Sequence[Address]) -> list[str]:
        """Of these addresses, those the user may not send as (A12). Raises ServiceError."""
        doubtful = [str(address) for address in addresses if not self._book.may_send_as(user, address)]
        if not doubtful:
            return []
        return list((await self._stub.MaySendAs(pb.MaySendAsRequest(user=user, addresses=doubtful))).refused)

    async def authenticate(self, login: str, password: str, address: str, protocol: str) -> pb.Identity:
        """Whether name and password are right. Raises ServiceError."""
        request = pb.AuthenticateRequest(login=login, password=password, protocol=protocol, address=address)
        identity: pb.Identity = await self._stub.Authenticate(request)
        return identity

    async def _apply(self, events: Sequence[events_pb2.Event], _after: dict[int, int]) -> None:
        for event in events:
            try:
                self._book.apply(from_wire(event).event)
            except UnknownEvent:  # a later release's fact: whoever it concerns is asked for at the owner
                continue
