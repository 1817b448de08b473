"""Serves the Delivery contract."""

from __future__ import annotations

from typing import Any

from services.delivery.handlers.record import record_of
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.delivery.v1 import delivery_pb2 as pb
from shared.rpc.mailfold.delivery.v1.delivery_pb2_grpc import DeliveryServicer


class DeliveryEndpoint(DeliveryServicer):
    """Lists plans that are not settled."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def ShowPlan(self, request: pb.ShowPlanRequest, context: Any) -> pb.PlanReply:
        record = record_of(await self._store.read_stream(request.queue_id))
        settled = record.settled is not None
        steps = [
            pb.Step(
                recipient=step.recipient,
                index=step.index,
                action=step.action,
                target=step.address,
                state="done" if settled else "in hand",
            )
            for step in record.steps
        ]
        return pb.PlanReply(steps=steps, settled=settled)
