"""A queue that sends to scripted servers at far.example and slow.example."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from loadtest.zone.data import Zone
from tests.integration.outbound.installation import Installation
from tests.parts import nats
from tests.parts.remote_server import RemoteServer

FAR = "far.example"
Start = Callable[..., "asynccontextmanager[Installation]"]


def zone_of(*hosts: tuple[str, str, int, str]) -> Zone:
    """A zone of domains: (domain, host, preference, address)."""
    zone = Zone()
    for domain, host, preference, address in hosts:
        zone.add(domain, "MX", f"{preference} {host}.")
        zone.add(host, "A", address)
    return zone


@pytest.fixture
async def remote() -> AsyncIterator[RemoteServer]:
    """The server of far.example."""
    async with RemoteServer() as server:
        yield server


@pytest.fixture
async def installation(
    tmp_path: Path, nats_server: nats.NatsServer, remote: RemoteServer
) -> AsyncIterator[Installation]:
    """A queue that retries soon, with the domain example.org."""
    running = Installation(
        tmp_path / "data",
        nats_server.url,
        zone_of((FAR, "mx.far.example", 10, "127.0.0.1")),
        {
            "outbound.port": str(remote.port),
            "outbound.retry_first": "0.2",
            "outbound.retry_longest": "0.2",
            "outbound.destination_first": "0.2",
            "outbound.destination_longest": "0.2",
            "outbound.age_look_seconds": "0.2",
        },
    )
    await running.start()
    await running.add_domain()
    yield running
    await running.stop()
