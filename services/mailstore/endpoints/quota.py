"""Serves the Quota contract of the mailstore."""

from __future__ import annotations

from typing import Any

from services.mailstore.handlers.quota_warnings import nearly_full
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.mailstore.v1 import quota_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.quota_pb2_grpc import QuotaServicer


class QuotaEndpoint(QuotaServicer):
    """Answers the ingress."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def ListNearlyFull(self, request: pb.NearlyFullRequest, context: Any) -> pb.NearlyFullReply:
        return pb.NearlyFullReply(accounts=await self._store.read(lambda reader: nearly_full(reader, request.after)))
