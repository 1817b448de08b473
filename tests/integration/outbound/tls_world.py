"""A remote server with TLS, a zone that describes it, and a queue that sends to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.zone.answers import Faults
from loadtest.zone.data import Zone
from shared.events.outbound import OutboundDeferred, OutboundDelivered
from tests.integration.outbound.conftest import FAR, StartQueue, zone_of
from tests.integration.outbound.installation import Installation
from tests.parts import authority
from tests.parts.authority import Issued
from tests.parts.policy_server import PolicyServer
from tests.parts.remote_server import RemoteServer

HOST = f"mx.{FAR}"
BROKEN = "dnssec-failed.org"
QUIET = {"outbound.retry_first": "600", "outbound.destination_first": "600", "resolver.timeout": "0.5"}


@dataclass
class TlsWorld:
    """far.example with one mail server, and an authority that the queue trusts."""

    folder: Path
    start_queue: StartQueue
    remote: RemoteServer
    root: Issued
    zone: Zone

    def presents(self, issued: Issued, *extensions: str, with_root: bool = False) -> None:
        """The remote server offers STARTTLS with this certificate."""
        self.remote.context = issued.server(self.folder, with_root=with_root)
        self.remote.offers("PIPELINING", "8BITMIME", "STARTTLS", *extensions)

    def signed(self) -> None:
        """The resolver validates: it knows a signed name, and has no answer for a broken one."""
        self.zone.add("org", "SOA", "ns.org. admin.org. 1 2 3 4 5")

    @property
    def tlsa_name(self) -> str:
        """Where the TLSA records of the server are."""
        return f"_{self.remote.port}._tcp.{HOST}"

    async def started(self, flags: Mapping[str, str] | None = None, *, faults: Faults | None = None) -> Installation:
        """A queue. The answers of its resolver are authenticated when the zone is signed."""
        trusted = self.root.write(self.folder / "root.pem")
        given = {**QUIET, "outbound.authority": str(trusted), **(flags or {})}

        def prepare(installation: Installation) -> None:
            installation.dns.server.authentic = True
            failing = frozenset({BROKEN}) if faults is None else faults.failing | {BROKEN}
            installation.dns.server.faults = Faults(faults.silent if faults else frozenset(), failing)

        return await self.start_queue(self.remote, given, self.zone, prepare)


@asynccontextmanager
async def far_example(folder: Path, start_queue: StartQueue) -> AsyncIterator[TlsWorld]:
    """far.example with a server that has a certificate of the trusted authority."""
    async with RemoteServer() as remote:
        root = authority.root()
        world = TlsWorld(folder, start_queue, remote, root, zone_of((FAR, HOST, 10, "127.0.0.1")))
        world.presents(authority.server(root, HOST))
        yield world


@asynccontextmanager
async def policy_of(world: TlsWorld, text: str, *, policy_id: str = "1", **options: Any) -> AsyncIterator[PolicyServer]:
    """far.example with an MTA-STS policy."""
    issued = options.pop("issued", None) or authority.server(world.root, f"mta-sts.{FAR}")
    async with PolicyServer(issued.server(world.folder), **options) as server:
        server.offers(text)
        world.zone.add(f"_mta-sts.{FAR}", "TXT", f"v=STSv1; id={policy_id};", ttl=0)
        world.zone.add(f"mta-sts.{FAR}", "A", server.address)
        yield server


async def delivered(installation: Installation, **fields: Any) -> OutboundDelivered:
    """A mail to far.example that arrives."""
    (entry,) = await installation.enqueue(f"bob@{FAR}", **fields)
    event: OutboundDelivered = await installation.until_event(entry, OutboundDelivered)
    return event


async def deferred(installation: Installation, **fields: Any) -> OutboundDeferred:
    """A mail to far.example that does not."""
    (entry,) = await installation.enqueue(f"bob@{FAR}", **fields)
    event: OutboundDeferred = await installation.until_event(entry, OutboundDeferred)
    return event


async def counted(installation: Installation) -> dict[tuple[str, str], int]:
    """How many connections to far.example were counted, by policy and result."""
    sql = "SELECT policy_type, result_type, count FROM tls_result WHERE domain = ?"
    rows = await installation.outbound.store.read(lambda reader: reader.all(sql, (FAR,)))
    return {(row[0], row[1]): row[2] for row in rows}
