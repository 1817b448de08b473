"""The mailstore's orderings, as sessions use them. Every method raises ServiceError."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.rpc.mailfold.mailstore.v1 import ordering_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.ordering_pb2_grpc import OrderingStub

_SECONDS = 3600.0
"""The mailstore serves other requests while it sorts."""


class SortReply(NamedTuple):
    """The UIDs in order, the highest MODSEQ among them, and the version of the account before they were read."""

    uids: array[int]
    highest_modseq: int
    version: int
    relevancy: bytes = b""
    """The score of each, if asked for."""


class OrderingClient:
    """Has one method for each call of the contract."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = OrderingStub(channel)
        self._patience = patience

    async def sort(self, request: pb.SortRequest) -> SortReply:
        """The UIDs of the matching messages in order. Raises NotFound, LimitReached."""
        return await self._patience.call(self._sorted, request)

    async def thread(self, request: pb.ThreadRequest) -> tuple[list[bytes], int]:
        """The threads with UIDs, in pieces in which no number is cut, and the version of the account before they were
        read. Raises NotFound, LimitReached."""
        return await self._patience.call(self._threads, request)

    async def _sorted(self, request: pb.SortRequest) -> SortReply:
        uids, highest, version, relevancy = array("I"), 0, 0, bytearray()
        async for batch in self._stub.Sort(request, timeout=_SECONDS):
            uids.extend(batch.uids)
            relevancy += batch.relevancy
            highest, version = max(highest, batch.highest_modseq), max(version, batch.version)
        return SortReply(uids, highest, version, bytes(relevancy))

    async def _threads(self, request: pb.ThreadRequest) -> tuple[list[bytes], int]:
        pieces, version = [], 0
        async for batch in self._stub.Thread(request, timeout=_SECONDS):
            version = max(version, batch.version)
            pieces += [batch.threads] if batch.threads else []
        return pieces, version
