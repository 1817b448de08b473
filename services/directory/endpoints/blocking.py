"""Serves the contract about blocked and allowed senders and networks."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.blocking import BlockingCommands, entries
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import blocking_pb2 as pb
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingServicer


class BlockingEndpoint(StoreEndpoint, BlockingServicer):
    """The methods about the lists."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store)
        self._commands = BlockingCommands()

    async def AddEntries(self, request: pb.BlockingEntriesRequest, context: Any) -> pb.BlockingEntriesReply:
        account, chosen, patterns = request.account, request.list, request.patterns
        return pb.BlockingEntriesReply(
            patterns=await self._write(
                lambda tx, provenance: self._commands.add(tx, account, chosen, patterns, provenance)
            )
        )

    async def RemoveEntries(self, request: pb.BlockingEntriesRequest, context: Any) -> pb.BlockingEntriesReply:
        account, chosen, patterns = request.account, request.list, request.patterns
        return pb.BlockingEntriesReply(
            patterns=await self._write(
                lambda tx, provenance: self._commands.remove(tx, account, chosen, patterns, provenance)
            )
        )

    async def ListEntries(self, request: pb.ListBlockingRequest, context: Any) -> pb.BlockingPage:
        account, chosen, after, limit = request.account, request.list, request.after, request.limit
        page = await self._read(lambda reader: entries(reader, account, chosen, after, limit))
        return pb.BlockingPage(patterns=page.patterns, more=page.more, total=page.total)
