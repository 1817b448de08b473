"""Serves the Sharing contract."""

from __future__ import annotations

from typing import Any

from services.directory.domain.state import DomainState
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import load, sharing, sharing_rows
from services.directory.handlers.book import CurrentBook
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.routing.sharing import Identifier, held_identifiers, identifiers_towards, identify
from shared.rpc.mailfold.directory.v1 import sharing_pb2 as pb
from shared.rpc.mailfold.directory.v1.sharing_pb2_grpc import SharingServicer


class SharingEndpoint(StoreEndpoint, SharingServicer):
    """Turns requests into units of work and reads; whom an account sees is answered from memory."""

    def __init__(self, store: EventStore, current: CurrentBook) -> None:
        super().__init__(store)
        self._current = current

    async def SetSharing(self, request: pb.SetSharingRequest, context: Any) -> pb.SharingRule:
        anyone = request.anyone if request.HasField("anyone") else None
        domain = await self._write(
            lambda tx, provenance: sharing.change(
                tx, request.domain, request.visible, request.domains, anyone, provenance
            )
        )
        return await self._read(lambda reader: self._shown(reader, domain))

    async def ShowSharing(self, request: pb.ShowSharingRequest, context: Any) -> pb.SharingRule:
        name = request.domain
        return await self._read(
            lambda reader: self._shown(reader, load.existing("domain", name, load.domain(reader, name)))
        )

    async def Identify(self, request: pb.IdentifyRequest, context: Any) -> pb.IdentifyReply:
        account = await self._account(request.account)
        known = identify(self._current.book, account, request.identifier)
        return pb.IdentifyReply(identifier=_identifier(known) if known is not None else None)

    async def ListIdentifiers(self, request: pb.ListIdentifiersRequest, context: Any) -> pb.IdentifierList:
        account = await self._account(request.account)
        page = await self._read(
            lambda reader: sharing.identifiers(
                reader, self._current.book, account, request.prefix, request.after, request.limit
            )
        )
        return pb.IdentifierList(identifiers=map(_identifier, page.identifiers), next=page.next)

    async def HeldIdentifiers(self, request: pb.HeldIdentifiersRequest, context: Any) -> pb.HeldIdentifiersReply:
        book, account = self._current.book, await self._account(request.account)
        if not request.owner:
            return pb.HeldIdentifiersReply(identifiers=held_identifiers(book, account))
        owner = await self._account(request.owner)
        return pb.HeldIdentifiersReply(identifiers=identifiers_towards(book, account, owner))

    async def _account(self, name: str) -> str:
        return await self._read(lambda reader: sharing.account_id(reader, name))

    def _shown(self, reader: Reader, domain: DomainState) -> pb.SharingRule:
        rule, known = sharing_rows.rule_of(reader, domain.id), self._current.book.sharing
        others = sorted(self._current.book.names.domains.values(), key=lambda other: other.name)
        return pb.SharingRule(
            domain=domain.name,
            enabled=known.is_on,
            visible=rule.visible,
            domains=sharing.domain_names(reader, rule.domains),
            anyone=rule.anyone,
            sees=[other.name for other in others if not other.alias_of and known.sees(domain.id, other.id)],
        )


def _identifier(known: Identifier) -> pb.Identifier:
    return pb.Identifier(id=known.id, kind=known.kind, name=known.name)
