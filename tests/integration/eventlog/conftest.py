"""Tests the event log on both databases, over a real bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.eventlog.installation import Installation
from tests.parts import nats
from tests.parts.required import needs


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    url: str = request.getfixturevalue("postgres_server").create_database()
    return url


@pytest.fixture
async def installation(tmp_path: Path, store_url: str) -> AsyncIterator[Installation]:
    needs(nats)
    with nats.NatsServer() as bus:
        running = Installation(tmp_path / "data", bus.url, store_url, {})
        await running.start()
        yield running
        await running.stop()
