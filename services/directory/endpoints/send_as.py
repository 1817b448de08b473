"""Serves the SendAs contract."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import send_as
from services.directory.handlers.send_as import SendAsState
from shared.rpc.mailfold.directory.v1 import sendas_pb2 as pb
from shared.rpc.mailfold.directory.v1.sendas_pb2_grpc import SendAsServicer


class SendAsEndpoint(StoreEndpoint, SendAsServicer):
    """Turns requests into units of work and reads."""

    async def GrantSendAs(self, request: pb.SendAsRequest, context: Any) -> pb.SendAsList:
        return _listed(
            await self._write(lambda tx, provenance: send_as.grant(tx, request.user, request.address, provenance))
        )

    async def RevokeSendAs(self, request: pb.SendAsRequest, context: Any) -> pb.SendAsList:
        return _listed(
            await self._write(lambda tx, provenance: send_as.revoke(tx, request.user, request.address, provenance))
        )

    async def ListSendAs(self, request: pb.ListSendAsRequest, context: Any) -> pb.SendAsList:
        return _listed(await self._read(lambda reader: send_as.granted(reader, request.user)))


def _listed(state: SendAsState) -> pb.SendAsList:
    return pb.SendAsList(user=state.user, accounts=state.accounts.values())
