"""Serves the Protocols contract."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.account_switches import POP3, SwitchState
from services.directory.settings import DirectorySettings
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import protocols_pb2 as pb
from shared.rpc.mailfold.directory.v1.protocols_pb2_grpc import ProtocolsServicer


class ProtocolsEndpoint(StoreEndpoint, ProtocolsServicer):
    """Turns requests into units of work and reads."""

    def __init__(self, store: EventStore, settings: DirectorySettings) -> None:
        super().__init__(store)
        self._settings = settings

    async def SetPop3(self, request: pb.SetPop3Request, context: Any) -> pb.Pop3Switch:
        return self._reply(
            await self._write(lambda tx, provenance: POP3.change(tx, request.account, request.value, provenance))
        )

    async def ShowPop3(self, request: pb.ShowPop3Request, context: Any) -> pb.Pop3Switch:
        return self._reply(await self._read(lambda reader: POP3.shown(reader, request.account)))

    def _reply(self, state: SwitchState) -> pb.Pop3Switch:
        return pb.Pop3Switch(
            account=state.account.id,
            address=state.account.address,
            own=state.own,
            domain=state.domain,
            server=self._settings.pop3,
            chosen=state.is_on(server=self._settings.pop3),
        )
