"""What the ingress asks of the directory: where mail to an address goes, who may send as whom, and who somebody is."""

from __future__ import annotations

from collections.abc import Sequence

from shared.bus.bus import Bus
from shared.eventstore.event import Event
from shared.grpc.channel import Channel
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.address import Address
from shared.routing.log_ins import EndedLogIns, Ending, LogIn
from shared.routing.resolution import ResolutionKind
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb


class FollowedDirectory(FollowedBook):
    """The followed address book, and the directory's own answers."""

    def __init__(self, channel: Channel, bus: Bus) -> None:
        super().__init__("ingress", channel, bus)
        self._ended = EndedLogIns()

    def known_kind(self, address: Address, *, for_user: bool) -> ResolutionKind | None:
        """What the address is, when the copy alone may say so: a refusal never comes from the copy, which may be a
        moment old. Users may write to other servers' addresses, so there the copy is believed.
        """
        kind = self.copy.resolve(address).kind if self.copy is not None else None
        return kind if kind is ResolutionKind.ACCOUNTS or (for_user and kind is ResolutionKind.REMOTE) else None

    async def kind(self, address: Address) -> ResolutionKind:
        """What the address is. Raises ServiceError when the owner must be asked and does not answer."""
        return (await self.resolve(address)).kind

    async def not_owned(self, user: str, addresses: Sequence[Address]) -> list[str]:
        """Of these addresses, those the user may not send as (A12). Raises ServiceError."""
        doubtful = [
            str(address) for address in addresses if self.copy is None or not self.copy.may_send_as(user, address)
        ]
        if not doubtful:
            return []
        return list((await self._owner.MaySendAs(pb.MaySendAsRequest(user=user, addresses=doubtful))).refused)

    def ended(self, log_in: LogIn | None) -> Ending | None:
        """Why a log-in does not stand any more, as far as the copy knows; None while it does."""
        return self._ended.ending_of(log_in) if log_in is not None else None

    async def authenticate(self, login: str, password: str, address: str, protocol: str) -> pb.Identity:
        """Whether name and password are right. Raises ServiceError."""
        request = pb.AuthenticateRequest(login=login, password=password, protocol=protocol, address=address)
        return await self._owner.Authenticate(request)

    def reset(self) -> None:
        """Log-ins too. One that a restored directory takes back is refused at the next connection."""
        super().reset()
        self._ended = EndedLogIns()

    def take(self, event: Event, position: int) -> None:
        """Of log-ins as well."""
        super().take(event, position)
        self._ended.apply(event, position)
