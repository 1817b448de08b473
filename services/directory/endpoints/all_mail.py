"""Serves the AllMail contract."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.account_switches import ALL_MAIL, SwitchState
from services.directory.settings import MailboxSettings
from shared.eventstore.store import EventStore
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.directory.v1 import allmail_pb2 as pb
from shared.rpc.mailfold.directory.v1.allmail_pb2_grpc import AllMailServicer

_ACCOUNTS = 500
"""Accounts of one question."""


class AllMailEndpoint(StoreEndpoint, AllMailServicer):
    """Turns requests into units of work and reads."""

    def __init__(self, store: EventStore, settings: MailboxSettings) -> None:
        super().__init__(store)
        self._settings = settings

    async def SetAllMail(self, request: pb.SetAllMailRequest, context: Any) -> pb.AllMailSwitch:
        return self._reply(
            await self._write(lambda tx, provenance: ALL_MAIL.change(tx, request.account, request.value, provenance))
        )

    async def ShowAllMail(self, request: pb.ShowAllMailRequest, context: Any) -> pb.AllMailSwitch:
        return self._reply(await self._read(lambda reader: ALL_MAIL.shown(reader, request.account)))

    async def AllMailOf(self, request: pb.AllMailOfRequest, context: Any) -> pb.AllMailOfReply:
        if len(request.accounts) > _ACCOUNTS:
            raise Invalid(f"at most {_ACCOUNTS} accounts can be asked for at once")
        server = self._settings.all_mail
        return pb.AllMailOfReply(
            any=await self._read(lambda reader: ALL_MAIL.may_be_on(reader, server=server)),
            accounts=await self._read(lambda reader: ALL_MAIL.on(reader, request.accounts, server=server)),
        )

    def _reply(self, state: SwitchState) -> pb.AllMailSwitch:
        server = self._settings.all_mail
        return pb.AllMailSwitch(
            account=state.account.id,
            address=state.account.address,
            own=state.own,
            domain=state.domain,
            server=server,
            chosen=state.is_on(server=server),
        )
