"""Hands written notifications over to the ingress, each once, until it accepts them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.outbound.handlers.record import ACTOR
from shared.background import BackgroundTask, woken_within
from shared.events.outbound import OutboundReportMade, OutboundReportSubmitted
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.grpc.call import acting
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import SubmitReportRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub

_PAGE = 50
_IDLE_SECONDS = 60.0
_PENDING = "SELECT report FROM report ORDER BY at, report LIMIT ?"


class ReportSubmitter:
    """Submits what the table of reports still has."""

    def __init__(self, store: EventStore, ingress: Channel) -> None:
        self._store = store
        self._ingress = IngressStub(ingress)
        self._is_written = asyncio.Event()
        self._task = BackgroundTask(
            "outbound",
            "reports",
            self._turn,
            longest=_IDLE_SECONDS * 4,
            not_now=(StoreUnavailable, ServiceError),
        )

    def start(self) -> None:
        """Begin to submit."""
        self._task.start()

    async def stop(self) -> None:
        """Submit no more; what is left is submitted after the next start."""
        await self._task.stop()

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Begin at once when a notification was written."""
        if any(isinstance(item.event, OutboundReportMade) for item in recorded):
            self._is_written.set()

    async def _turn(self) -> None:
        self._is_written.clear()
        while rows := await self._store.read(lambda reader: reader.all(_PENDING, (_PAGE,))):
            for row in rows:
                await self._submit(row[0])
            self._task.advanced()
        await woken_within(self._is_written, _IDLE_SECONDS)

    async def _submit(self, report: str) -> None:
        (recorded,) = await self._store.read_stream(report, 0, 1)
        event = recorded.event
        if not isinstance(event, OutboundReportMade):
            raise TypeError(f"the stream {report} does not begin with a notification")
        provenance = Provenance(ACTOR, correlation=event.queue_id)
        with acting(provenance):
            await self._ingress.SubmitReport(_request(event))
        submitted = OutboundReportSubmitted(report, event.queue_id)
        await self._store.write(lambda transaction: transaction.append(report, [submitted], provenance))


def _request(event: OutboundReportMade) -> SubmitReportRequest:
    return SubmitReportRequest(
        queue_id=event.report,
        to=event.to,
        author=event.author,
        subject=event.subject,
        message_id=event.message_id,
        blob=event.blob,
        size=event.size,
        prefix=event.prefix,
        eight_bit=event.eight_bit,
        smtputf8=not event.to.isascii(),
    )
