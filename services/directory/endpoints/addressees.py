"""Serves the Addressees contract."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.addressees import AddresseeState, of_account, of_address
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.script_owners import script_owner
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import addressees_pb2 as pb
from shared.rpc.mailfold.directory.v1.addressees_pb2_grpc import AddresseesServicer


class AddresseesEndpoint(StoreEndpoint, AddresseesServicer):
    """Answers the services that write notifications."""

    def __init__(self, store: EventStore, current: CurrentBook) -> None:
        super().__init__(store)
        self._current = current

    async def AddresseeOf(self, request: pb.AddresseeRequest, context: Any) -> pb.AddresseeReply:
        def ask(reader: Reader) -> AddresseeState:
            if request.WhichOneof("of") == "address":
                return of_address(reader, self._current.book, request.address)
            return of_account(reader, request.account)

        state = await self._read(ask)
        return pb.AddresseeReply(**state._asdict())

    async def ScriptOwnerOf(self, request: pb.ScriptOwnerRequest, context: Any) -> pb.ScriptOwnerReply:
        state = await self._read(lambda reader: script_owner(reader, self._current.book, request.account))
        return pb.ScriptOwnerReply(**state._asdict())
