"""Serves the Refusals contract."""

from __future__ import annotations

from typing import Any

import msgspec

from services.delivery.handlers.refusal_forecast import RefusalForecast, Undecided
from shared.blobs.errors import BlobError
from shared.events.mail import MailReceived
from shared.eventstore.connection import StoreUnavailable
from shared.grpc.errors import Invalid, Unavailable
from shared.rpc.mailfold.delivery.v1 import refusals_pb2 as pb
from shared.rpc.mailfold.delivery.v1.refusals_pb2_grpc import RefusalsServicer

_received = msgspec.json.Decoder(MailReceived)


class RefusalsEndpoint(RefusalsServicer):
    """Answers the ingress."""

    def __init__(self, forecast: RefusalForecast) -> None:
        self._forecast = forecast

    async def WouldRefuse(self, request: pb.WouldRefuseRequest, context: Any) -> pb.WouldRefuseReply:
        try:
            received = _received.decode(request.reception)
            refusal = await self._forecast.refusal(received)
        except msgspec.DecodeError as error:
            raise Invalid(f"this is no reception: {error}") from error
        except Undecided as undecided:
            return pb.WouldRefuseReply(undecided=str(undecided))
        except (BlobError, StoreUnavailable) as error:
            raise Unavailable(str(error)) from error
        if refusal is None:
            return pb.WouldRefuseReply()
        return pb.WouldRefuseReply(kind=refusal.kind, reason=refusal.reason, script=refusal.script, line=refusal.line)
