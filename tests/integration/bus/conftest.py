"""A bus for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.bus.bus import Bus
from tests.integration.bus.on_bus import connected
from tests.parts.nats import NatsServer


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """A bus with the default settings and its own server."""
    async with connected(nats_server) as connection:
        yield connection
