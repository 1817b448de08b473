"""A queue that sends to scripted servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from loadtest.zone.data import Zone
from tests.integration.outbound.installation import Installation
from tests.parts import nats
from tests.parts.remote_server import RemoteServer

FAR = "far.example"
_SOON = {
    "outbound.retry_first": "0.2",
    "outbound.retry_longest": "0.2",
    "outbound.destination_first": "0.2",
    "outbound.destination_longest": "0.2",
    "outbound.age_look_seconds": "0.2",
}


class StartQueue(Protocol):
    """Starts a queue for a test, which is stopped after it."""

    async def __call__(
        self,
        remote: RemoteServer,
        flags: Mapping[str, str] | None = None,
        zone: Zone | None = None,
        prepare: Callable[[Installation], None] | None = None,
    ) -> Installation:
        """A queue that retries soon and connects to the port of `remote`, with the domain example.org.

        `prepare` is called before it starts.
        """


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
async def start_queue(tmp_path: Path, nats_server: nats.NatsServer) -> AsyncIterator[StartQueue]:
    running: list[Installation] = []

    async def start(
        remote: RemoteServer,
        flags: Mapping[str, str] | None = None,
        zone: Zone | None = None,
        prepare: Callable[[Installation], None] | None = None,
    ) -> Installation:
        known = zone or zone_of((FAR, "mx.far.example", 10, "127.0.0.1"))
        settings = {**_SOON, "outbound.port": str(remote.port), **(flags or {})}
        started = Installation(tmp_path / f"data{len(running)}", nats_server.url, known, settings)
        if prepare is not None:
            prepare(started)
        await started.start()
        running.append(started)
        await started.add_domain()
        return started

    yield start
    for installation in running:
        await installation.stop()


@pytest.fixture
async def installation(start_queue: StartQueue, remote: RemoteServer) -> Installation:
    """A queue whose far.example is `remote`."""
    return await start_queue(remote)
