"""An installation with ann and bob at example.org."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.delivery.installation import Installation
from tests.parts import nats


@pytest.fixture
async def installation(tmp_path: Path, nats_server: nats.NatsServer) -> AsyncIterator[Installation]:
    running = Installation(
        tmp_path / "data",
        nats_server.url,
        {"bus.max_attempts": "2", "server.call_timeout": "2", "delivery.concurrency": "16"},
    )
    await running.start()
    await running.add_people("ann", "bob")
    yield running
    await running.stop()
