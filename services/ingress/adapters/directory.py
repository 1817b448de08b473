"""The directory, as the ingress uses it: where mail to an address goes, who may send as whom, and log-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.bus.bus import Bus
from shared.events.archives import AccountDeleted, AccountRestored
from shared.events.directory import AccountChanged, DomainChanged, UserSwitched
from shared.events.signatures import ChosenSignature
from shared.events.verifiers import MechanismsOffered
from shared.eventstore.event import Event
from shared.grpc.channel import Channel
from shared.owner.followed_book import FollowedBook
from shared.owner.log_ins import LogInQuestions
from shared.protocol.address.address import Address
from shared.routing.block_lists import BlockLists
from shared.routing.log_ins import EndedLogIns, Ending, LogIn
from shared.routing.resolution import Resolution, ResolutionKind
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1 import signatures_pb2 as signatures_pb
from shared.rpc.mailfold.directory.v1.signatures_pb2_grpc import SignaturesStub

_SWITCHES = (AccountChanged, AccountDeleted, AccountRestored, DomainChanged, UserSwitched)


class FollowedDirectory(FollowedBook):
    """The address book in memory, and calls to the directory where it does not suffice."""

    def __init__(self, channel: Channel, bus: Bus) -> None:
        super().__init__("ingress", channel, bus)
        self._ended = EndedLogIns()
        self.on_switch: Callable[[], None] | None = None
        """Called when an account, a user or a domain was switched, deleted or restored."""
        self._signatures = SignaturesStub(channel)
        self.log_ins = LogInQuestions(channel)
        self.mechanisms: tuple[str, ...] = ()
        """The mechanisms that the directory offers besides those in which a password is sent."""
        self._lists = BlockLists()

    def blocked_network(self, address: str) -> str:
        """The blocked network of a client's IP address, as far as the copy knows; empty when it is not blocked."""
        return self._lists.blocked_network(address)

    def known(self, address: Address, *, for_user: bool) -> Resolution | None:
        """Where mail to an address goes, if the copy in memory suffices.

        The copy may be a moment old, so it never decides a refusal. Users may write to other servers' addresses, so for
        users the copy also suffices there.
        """
        resolution = self.copy.resolve(address) if self.copy is not None else None
        if resolution is None or resolution.kind is ResolutionKind.ACCOUNTS:
            return resolution
        return resolution if for_user and resolution.kind is ResolutionKind.REMOTE else None

    async def kind(self, address: Address) -> ResolutionKind:
        """The kind of an address. Raises ServiceError when the directory must be asked and does not answer."""
        return (await self.resolve(address)).kind

    async def not_owned(self, user: str, addresses: Sequence[Address]) -> list[str]:
        """The addresses as which the user may not send. Raises ServiceError."""
        doubtful = [
            str(address) for address in addresses if self.copy is None or not self.copy.may_send_as(user, address)
        ]
        if not doubtful:
            return []
        return list((await self._owner.MaySendAs(pb.MaySendAsRequest(user=user, addresses=doubtful))).refused)

    async def signature_for(self, user: str, author: Address) -> ChosenSignature | None:
        """The mail signature of the author's domain; the directory is asked only where the copy knows of one.

        Raises ServiceError.
        """
        domain = self.copy.names.domain_of(author.domain) if self.copy is not None else None
        if self.copy is not None and (domain is None or not domain.rules.signature):
            return None
        request = signatures_pb.ChooseSignatureRequest(domain=author.domain, user=user, address=str(author))
        reply = await self._signatures.ChooseSignature(request)
        return ChosenSignature(reply.id, dict(reply.values), reply.signs_automatic) if reply.id else None

    def recipient_size_limit(self, address: Address) -> int:
        """Octets above which nobody gets a message to this address, as far as the copy knows; 0: there is no limit."""
        return self.copy.recipient_size_limit(address) if self.copy is not None else 0

    def ended(self, log_in: LogIn | None) -> Ending | None:
        """Why a log-in has ended, as far as the copy knows; None while it is valid."""
        return self._ended.ending_of(log_in) if log_in is not None else None

    def reset(self) -> None:
        """Forget everything, including ended log-ins.

        A log-in that a restored directory does not allow is refused when the client connects again.
        """
        super().reset()
        self._ended = EndedLogIns()
        self._lists = BlockLists()
        self.mechanisms = ()

    def take(self, event: Event, position: int) -> None:
        """Apply an event to the address book, to the log-ins and to the blocked networks."""
        super().take(event, position)
        self._ended.apply(event, position)
        self._lists.apply(event)
        if isinstance(event, MechanismsOffered):
            self.mechanisms = event.names
        if self.on_switch is not None and isinstance(event, _SWITCHES):
            self.on_switch()
