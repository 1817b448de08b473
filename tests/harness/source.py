"""The common part of event sources that tests make up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from shared.rpc.mailfold.events.v1 import events_pb2
from shared.rpc.mailfold.events.v1.events_pb2_grpc import EventSourceServicer


class PlainSource(EventSourceServicer):
    """An owner that was never restored and has no state but its log; it is followed from the first event."""

    async def ReadState(
        self, request: events_pb2.ReadStateRequest, context: Any
    ) -> AsyncIterator[events_pb2.StateBatch]:
        yield events_pb2.StateBatch()

    async def Agree(self, request: events_pb2.AgreeRequest, context: Any) -> events_pb2.AgreeReply:
        return events_pb2.AgreeReply(agreed=request.followed)
