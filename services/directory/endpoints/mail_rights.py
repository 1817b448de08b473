"""Serves the MailRights contract: services ask it whose mail a user may change."""

from __future__ import annotations

from typing import Any

from services.directory.domain.rights import UserRole
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.right_rules import MAIL_METHODS, accounts_of
from services.directory.handlers.rights import RightsGuard
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.grpc.policy import USER
from shared.rpc.mailfold.directory.v1 import mailrights_pb2 as pb
from shared.rpc.mailfold.directory.v1.mailrights_pb2_grpc import MailRightsServicer


class MailRightsEndpoint(StoreEndpoint, MailRightsServicer):
    """Answers for the user in whose name the service was called."""

    def __init__(self, store: EventStore, guard: RightsGuard) -> None:
        super().__init__(store)
        self._guard = guard

    async def AccountsOf(self, request: pb.AccountsOfRequest, context: Any) -> pb.AccountsOfReply:
        actor = current_provenance().actor
        if actor.kind != USER or request.method not in MAIL_METHODS:
            raise Invalid("which user wants to do what?", "invalid")
        rights = await self._guard.check(actor, request.method, request)
        if request.domain:
            return pb.AccountsOfReply(everything=rights.role is UserRole.ADMIN)
        if request.account:
            return pb.AccountsOfReply(accounts=[request.account])
        if rights.role is UserRole.ADMIN:
            return pb.AccountsOfReply(everything=True)
        return pb.AccountsOfReply(accounts=await self._read(lambda reader: accounts_of(reader, actor.id)))
