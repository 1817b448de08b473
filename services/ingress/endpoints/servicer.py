"""Serves the Ingress contract: lists receptions and holds them."""

from __future__ import annotations

import asyncio
from typing import Any

from services.ingress.handlers.holding import Holding
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.repeater import Repeater
from shared.events.mail import MailReceived, MailSubmitted
from shared.rpc.mailfold.ingress.v1 import ingress_pb2 as pb
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressServicer

_MOST = 10_000
_AT_ONCE = 100


class IngressEndpoint(IngressServicer):
    """Answers other services and the operator."""

    def __init__(self, receptions: Receptions, repeater: Repeater, holding: Holding) -> None:
        self._receptions = receptions
        self._repeater = repeater
        self._holding = holding

    async def ListReceptions(self, request: pb.ListReceptionsRequest, context: Any) -> pb.ReceptionList:
        receptions = pb.ReceptionList()
        for number, row in enumerate(await self._receptions.listed(min(request.limit or 100, _MOST)), 1):
            receptions.receptions.append(await self._reception(*row))
            if not number % _AT_ONCE:
                await asyncio.sleep(0)  # a long list must not delay mail
        return receptions

    async def Hold(self, request: pb.HoldRequest, context: Any) -> pb.HoldReply:
        """Hold or resume a reception. It is idempotent; the caller is told when the mail is settled already."""
        waits = await self._holding(request.queue_id, held=request.held, reason=request.reason)
        return pb.HoldReply(settled=not waits)

    async def _reception(self, queue_id: str, at: int, state: str) -> pb.Reception:
        recorded = await self._receptions.accepted(queue_id)
        event = recorded.event if recorded else None
        sender, recipients = "", []
        if isinstance(event, MailReceived | MailSubmitted):
            sender, recipients = event.reverse_path, [recipient.address for recipient in event.recipients]
        return pb.Reception(
            queue_id=queue_id,
            at=at,
            sender=sender,
            recipients=recipients,
            state=state,
            repeats=self._repeater.repeats(queue_id),
        )
