"""The real ingress in this process, on free ports, with a real nats-server, a DNS zone and a small directory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from services.ingress.app import SECTIONS, Ingress, build
from shared.blobs.local import LocalBlobs
from shared.blobs.port import Blobs
from shared.bus.bus import Bus
from shared.bus.settings import BusSettings
from shared.bus.subjects import CLASSIFIER_RECEIVED, DELIVERY_SUBMITTED, Durable
from shared.events.mail import MailReceived, MailSubmitted
from shared.grpc.credentials import CallTokens
from shared.places import Places
from shared.server_settings import BlobSection
from shared.service import SHARED_SECTIONS, Host
from shared.settings import load
from tests.harness.ports import free_offset
from tests.integration.ingress.directory import FakeDirectory
from tests.integration.ingress.refusing import FakeRefusals, FakeScripts

HOSTNAME = "mx.example.org"


@dataclass
class Running:
    """A running ingress and the services around it."""

    ingress: Ingress
    host: Host
    directory: FakeDirectory
    bus: Bus
    blobs: Blobs
    received: asyncio.Queue[MailReceived]
    submitted: asyncio.Queue[MailSubmitted]

    def port(self, well_known: int) -> int:
        """The port that this installation uses for a well-known port."""
        return self.host.port(well_known)

    async def body(self, blob: str) -> bytes:
        """The octets of a blob."""
        from shared.blobs.blob_id import BlobId

        return (await self.blobs.read(BlobId(blob))).body()


@contextlib.asynccontextmanager
async def running(
    nats_url: str,
    folder: Path,
    *,
    resolver: str = "127.0.0.1:9",
    directory: FakeDirectory | None = None,
    blobs: Blobs | None = None,
    scripts: FakeScripts | None = None,
    refusals: FakeRefusals | None = None,
    undo_seconds: str = "0",
    **settings: str,
) -> AsyncIterator[Running]:
    """Start the ingress; `settings` belong to the section `ingress`.

    Its events are taken from the bus and acknowledged at once.
    """
    places = Places(folder)
    places.make()
    flags = {f"ingress.{name}": value for name, value in settings.items()}
    flags |= {
        "ingress.resolver": resolver,
        "server.hostname": HOSTNAME,
        "server.port_offset": str(free_offset()),
        "bus.url": nats_url,
        "outbound.undo_seconds": undo_seconds,
    }
    given = load({**SHARED_SECTIONS, **SECTIONS}, None, {}, flags)
    bus = await Bus.connect(given.of(BusSettings), "test")
    local = LocalBlobs(places.blobs, "g0001", BlobSection().in_force)
    local.start()
    directory = directory or FakeDirectory()
    around = {"directory": directory, "mailstore": scripts, "delivery": refusals}
    offered = {name: service for name, service in around.items() if service is not None}
    host = Host(places, given, ["ingress", *offered], bus, blobs or local, CallTokens())
    for name, service in offered.items():
        host.offer(name, service)
    ingress = build(host)
    host.offer("ingress", ingress)
    await ingress.start()
    server = Running(ingress, host, directory, bus, blobs or local, asyncio.Queue(), asyncio.Queue())
    take_off(bus, CLASSIFIER_RECEIVED, MailReceived, server.received)
    take_off(bus, DELIVERY_SUBMITTED, MailSubmitted, server.submitted)
    try:
        yield server
    finally:
        await ingress.stop()
        await bus.close()
        await local.close()


def take_off(bus: Bus, durable: Durable, kind: type, queue: asyncio.Queue) -> None:  # type: ignore[type-arg]
    """Move the messages of a durable consumer into a queue."""
    decoder = msgspec.json.Decoder(kind)

    async def take(payload: bytes, _count: int) -> None:
        queue.put_nowait(decoder.decode(payload))

    async def never(_payload: bytes, _count: int, error: Exception) -> None:
        raise error

    bus.work(durable, take, never)
