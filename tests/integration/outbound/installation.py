"""The outbound queue with a directory in one process, over a real bus; other servers are scripted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtest.zone.data import Zone
from services.directory.app import SECTIONS as DIRECTORY_SECTIONS
from services.directory.app import build as build_directory
from services.outbound.app import SECTIONS as OUTBOUND_SECTIONS
from services.outbound.app import Outbound
from services.outbound.app import build as build_outbound
from shared.blobs.local import LocalBlobs
from shared.bus.bus import Bus
from shared.bus.settings import BusSettings
from shared.events.outbound import OutboundReportMade
from shared.eventstore.event import Event
from shared.grpc.credentials import CallTokens
from shared.grpc.servicers import Registration
from shared.ids import IdKind
from shared.places import Places
from shared.protocol.message.scan import encode_scan, scan
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
from shared.rpc.mailfold.ingress.v1 import ingress_pb2
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import add_IngressServicer_to_server
from shared.rpc.mailfold.outbound.v1 import outbound_pb2
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from shared.service import SHARED_SECTIONS, Host
from shared.settings import Sections, load
from tests.harness.waiting import until_true
from tests.parts.dns import ZoneServerThread

_SECTIONS: Sections = {**SHARED_SECTIONS, **DIRECTORY_SECTIONS, **OUTBOUND_SECTIONS}
BODY = (
    b"From: ann@example.org\r\nTo: bob@far.example\r\nSubject: Hello\r\nMessage-ID: <m1@example.org>\r\n\r\nHello.\r\n"
)


class Ingress:
    """Keeps the notifications that it is given."""

    def __init__(self) -> None:
        self.reports: list[ingress_pb2.SubmitReportRequest] = []
        self.registrations: tuple[Registration, ...] = ((add_IngressServicer_to_server, self),)

    async def SubmitReport(
        self, request: ingress_pb2.SubmitReportRequest, context: Any
    ) -> ingress_pb2.SubmitReportReply:
        self.reports.append(request)
        return ingress_pb2.SubmitReportReply()

    def __getattr__(self, name: str) -> Any:
        return None


class Installation:
    """Start it, stop it, and make another one on the same folder."""

    def __init__(self, data: Path, bus_url: str, zone: Zone, flags: Mapping[str, str]) -> None:
        self.places = Places(data)
        self.places.make()
        self.zone = zone
        self.dns = ZoneServerThread(zone)
        self._bus_url = bus_url
        self._flags = flags
        self.ingress = Ingress()

    async def start(self) -> None:
        self.dns.start()
        await self._start_services()

    async def _start_services(self) -> None:
        given = {
            "bus.url": self._bus_url,
            "server.hostname": "mail.example.org",
            "resolver.addresses": self.dns.address,
            "resolver.temperror_ttl": "0",
            "outbound.allow_networks": "127.0.0.0/8",
            **self._flags,
        }
        settings = load(_SECTIONS, flags=given)
        self.bus = await Bus.connect(settings.of(BusSettings), "test")
        self.blobs = LocalBlobs(self.places.blobs, "g0001")
        self.blobs.start()
        self.host = Host(
            self.places, settings, ["directory", "outbound", "ingress"], self.bus, self.blobs, CallTokens()
        )
        self.outbound: Outbound = build_outbound(self.host)
        directory = build_directory(self.host, sections=_SECTIONS)
        self._apps = [directory, self.outbound]
        for name, app in (("ingress", self.ingress), ("directory", directory), ("outbound", self.outbound)):
            self.host.offer(name, app)
        for app in self._apps:
            await app.start()
        self.directory = DirectoryStub(self.host.channel("directory", "operator"))
        self.queue = OutboundStub(self.host.channel("outbound", "operator"))
        self.owner = OwnerStub(self.host.channel("outbound", "operator"))
        self._enqueue = OutboundStub(self.host.channel("outbound", "delivery"))

    async def stop(self) -> None:
        await self._stop_services()
        self.dns.stop()

    async def restart(self) -> None:
        """Stop the services and start them on the same data, with the same DNS server."""
        await self._stop_services()
        await self._start_services()

    async def _stop_services(self) -> None:
        for app in reversed(self._apps):
            await app.stop()
        await self.bus.close()
        await self.blobs.close()

    async def add_domain(self, name: str = "example.org") -> None:
        await self.directory.AddDomain(directory_pb2.AddDomainRequest(name=name, incoming=True))

    async def dkim_keys(self, domain: str = "example.org") -> list[directory_pb2.DkimKey]:
        return list((await self.directory.ShowDkim(directory_pb2.NameRequest(name=domain))).keys)

    async def enqueue(
        self, *recipients: str, sender: str = "ann@example.org", body: bytes = BODY, **fields: Any
    ) -> list[str]:
        """Put one mail for these recipients into the queue; returns the entry ids."""
        with self.blobs.writer() as writer:
            writer.write(body)
            reference = await writer.commit(encode_scan(scan(body)))
        queue_id = self.host.ids.new(IdKind.QUEUE)
        entries = []
        for index, recipient in enumerate(recipients):
            request = outbound_pb2.EnqueueRequest(
                queue_id=queue_id,
                recipient=recipient,
                index=index,
                blob=str(reference.id),
                prefix=b"Received: from client by mail.example.org; today\r\n",
                size=reference.size,
                reverse_path=sender,
                forward_path=recipient,
                sending_domain=sender.rpartition("@")[2],
                message_id="m1@example.org",
                **fields,
            )
            entries.append((await self._enqueue.Enqueue(request)).queue_entry)
        return entries

    async def events(self, entry: str) -> list[Event]:
        """The events of an entry."""
        return [recorded.event for recorded in await self.outbound.store.read_stream(entry)]

    async def until_event(self, entry: str, kind: type[Event], times: int = 1) -> Any:
        """The last event of this kind in the stream of an entry, when there are so many."""
        matching: list[Event] = []

        async def is_there() -> bool:
            matching[:] = [event for event in await self.events(entry) if isinstance(event, kind)]
            return len(matching) >= times

        await until_true(is_there)
        return matching[-1]

    async def until_gone(self, entry: str) -> None:
        """Until the entry has left the queue."""

        async def is_gone() -> bool:
            return entry not in {listed.id for listed in await self.listed()}

        await until_true(is_gone)

    async def until_reported(self, number: int = 1) -> list[ingress_pb2.SubmitReportRequest]:
        """The notifications that the ingress was given, when there are so many."""

        async def is_there() -> bool:
            return len(self.ingress.reports) >= number

        await until_true(is_there)
        return self.ingress.reports

    async def report_text(self, request: ingress_pb2.SubmitReportRequest) -> bytes:
        """The octets of a notification."""
        from shared.blobs.blob_id import BlobId

        blob = await self.blobs.read(BlobId(request.blob))
        return blob.body()

    async def made_reports(self) -> list[OutboundReportMade]:
        """The events of all notifications."""
        made = []
        for request in self.ingress.reports:
            made += [
                recorded.event
                for recorded in await self.outbound.store.read_stream(request.queue_id)
                if isinstance(recorded.event, OutboundReportMade)
            ]
        return made

    async def referenced_blobs(self) -> set[str]:
        """The blobs that the queue still needs."""
        owner = OwnerStub(self.host.channel("outbound", "operator"))
        request = owner_pb2.ReferencedBlobsRequest(generation="g0001")
        return {blob async for batch in owner.ReferencedBlobs(request) for blob in batch.ids}

    async def listed(self) -> list[outbound_pb2.QueueEntry]:
        return list((await self.queue.List(outbound_pb2.ListQueueRequest())).entries)
