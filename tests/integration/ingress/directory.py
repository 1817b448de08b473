"""A small directory for tests of the ingress: its events and replies are in memory, and it can be made to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from shared.events import directory as directory_events
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.grpc.errors import Unavailable
from shared.grpc.servicers import Registration
from shared.owner.source import to_wire
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.rpc.mailfold.directory.v1 import archives_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesServicer, add_ArchivesServicer_to_server
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryServicer, add_DirectoryServicer_to_server
from shared.rpc.mailfold.events.v1 import events_pb2
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from tests.harness.source import PlainSource

PASSWORD = "correct horse"
START: tuple[Event, ...] = (
    directory_events.DomainAdded("d1", "example.org", True),
    directory_events.DomainAdded("d2", "outgoing.example", False),
    directory_events.AccountAdded("a1", "ann@example.org", "u1"),
    directory_events.AccountAdded("a2", "bob@example.org", "u2"),
    directory_events.AccountAdded("a3", "gone@example.org", "u2"),
    directory_events.AccountChanged("a3", True, 0),
    directory_events.AliasAdded("info@example.org", ("ann@example.org",)),
)


class FakeDirectory(DirectoryServicer, ArchivesServicer, PlainSource):
    """While `is_down` is set, calls are not answered; `asked` counts the calls by name."""

    def __init__(self, events: Sequence[Event] = START) -> None:
        self.log: list[Event] = []
        self.book = AddressBook()
        self.is_down = False
        self.asked: dict[str, int] = {}
        self.registrations: Sequence[Registration] = (
            (add_DirectoryServicer_to_server, self),
            (add_EventSourceServicer_to_server, self),
            (add_ArchivesServicer_to_server, self),
        )
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Append an event."""
        self.log.append(event)
        self.book.apply(event)

    async def start(self) -> None:
        """Do nothing: it is started like any service."""

    async def stop(self) -> None:
        """Do nothing: there is nothing to close."""

    async def Resolve(self, request: pb.ResolveRequest, context: Any) -> pb.Resolution:
        self._answering("Resolve")
        kind = self.book.resolve(parse_address(request.address)).kind
        return pb.Resolution(kind=pb.Resolution.Kind.Value(kind.name))

    async def Authenticate(self, request: pb.AuthenticateRequest, context: Any) -> pb.Identity:
        self._answering("Authenticate")
        account = self.book.names.accounts.get(request.login)
        if account is None or request.password != PASSWORD:
            return pb.Identity(ok=False, refusal="bad-credentials")
        return pb.Identity(
            ok=True, user=account.user, account=account.id, address=account.address, domain="d1", as_of=len(self.log)
        )

    async def MaySendAs(self, request: pb.MaySendAsRequest, context: Any) -> pb.MaySendAsReply:
        self._answering("MaySendAs")
        return pb.MaySendAsReply(
            refused=[
                address
                for address in request.addresses
                if not self.book.may_send_as(request.user, parse_address(address))
            ]
        )

    async def StatesOfAccounts(self, request: archives_pb2.AccountIds, context: Any) -> archives_pb2.AccountStates:
        self._answering("StatesOfAccounts")
        known = {account.id: account.disabled for account in self.book.names.accounts.values()}
        reply = archives_pb2.AccountStates(off=[identity for identity in request.ids if known.get(identity)])
        reply.gone.extend(identity for identity in request.ids if identity not in known)
        return reply

    async def ReadEvents(
        self, request: events_pb2.ReadEventsRequest, context: Any
    ) -> AsyncIterator[events_pb2.EventBatch]:
        self._answering("ReadEvents")
        after = request.after.get(0, 0)
        reason = Provenance(Actor("system"))
        events = [
            to_wire(Recorded(0, at, "x", at, at, reason, event)) for at, event in enumerate(self.log, 1) if at > after
        ]
        if events:
            yield events_pb2.EventBatch(events=events)

    async def Heads(self, request: events_pb2.HeadsRequest, context: Any) -> events_pb2.HeadsReply:
        self._answering("Heads")
        return events_pb2.HeadsReply(heads={0: len(self.log)})

    def _answering(self, question: str) -> None:
        self.asked[question] = self.asked.get(question, 0) + 1
        if self.is_down:
            raise Unavailable("the directory is down")
