"""Connects the parts of the outbound queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import sqlalchemy

from services.outbound.endpoints.servicer import OutboundEndpoint
from services.outbound.projections.queue import QueueProjection
from services.outbound.settings import SECTIONS as SECTIONS
from services.outbound.settings import OutboundSettings
from shared.eventstore.deadletters import DeadLetterProjection
from shared.grpc.servicers import Registration
from shared.owner.servicer import StoreOwner
from shared.owner.source import StoreSource, ring_at_commits
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import add_OutboundServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.service import Host

SERVICE = "outbound"


class Outbound:
    """The outbound queue as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        metadata = sqlalchemy.MetaData()
        self.store = host.event_store(SERVICE, metadata, (QueueProjection(metadata), DeadLetterProjection(metadata)))
        self._endpoint = OutboundEndpoint(self.store, host.ids, host.section(OutboundSettings).max_waiting)
        self.registrations: Sequence[Registration] = (
            (add_OutboundServicer_to_server, self._endpoint),
            (add_EventSourceServicer_to_server, StoreSource(self.store)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(
                    SERVICE, self.store, host.health(SERVICE, self.store), report=self._report, blobs=self._referenced
                ),
            ),
        )

    async def start(self) -> None:
        """Open the store."""
        await self._host.open_store(self.store)
        await self._endpoint.start()
        ring_at_commits(self._host.bus, SERVICE, self.store)

    async def stop(self) -> None:
        """Finish the work in progress and close."""
        await self.store.close()

    async def _report(self) -> owner_pb2.ReportReply:
        row = await self.store.read(lambda reader: reader.first_row("SELECT count(*) FROM queue"))
        waiting = row[0] if row else 0
        return owner_pb2.ReportReply(
            counts={"queued": waiting}, state="mail to other servers is kept; sending it comes later" if waiting else ""
        )

    async def _referenced(self, generation: str) -> AsyncIterator[list[str]]:
        rows = await self.store.read(
            lambda reader: reader.all("SELECT DISTINCT blob FROM queue WHERE blob LIKE ?", (f"{generation}/%",))
        )
        if rows:
            yield [row[0] for row in rows]


def build(host: Host) -> Outbound:
    """Create the service for a process that hosts it."""
    return Outbound(host)
