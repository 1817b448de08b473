"""Serves the Closings contract."""

from __future__ import annotations

from typing import Any

from services.mailstore.handlers.erasure import closure
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.mailstore.v1 import closings_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.closings_pb2_grpc import ClosingsServicer


class ClosingsEndpoint(ClosingsServicer):
    """Says how far the ends of accounts are."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def ShowClosing(self, request: pb.ClosingRequest, context: Any) -> pb.Closing:
        state, messages, events = await self._store.read_long(lambda reader: closure(reader, request.account))
        return pb.Closing(state=state, messages=messages, events=events)
