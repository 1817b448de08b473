"""The log with each engine: its own tables on both databases, and OpenSearch before and after it has the events."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.eventlog.asked_log import AskedLog
from tests.parts import nats
from tests.parts.required import needs

ENGINES = ("sqlite", "postgresql", "opensearch", "opensearch-waiting")


@pytest.fixture(params=ENGINES)
async def asked(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AskedLog]:
    needs(nats)
    engine = str(request.param)
    store_url, environment = "", {"MAILFOLD_EVENTLOG_PRUNE_SECONDS": "3600"}
    if engine == "postgresql":
        store_url = request.getfixturevalue("postgres_server").create_database()
    if engine.startswith("opensearch"):
        environment |= {
            "MAILFOLD_EVENTLOG_ENGINE": "opensearch",
            "MAILFOLD_OPENSEARCH_URLS": request.getfixturevalue("opensearch_url"),
            "MAILFOLD_OPENSEARCH_PREFIX": f"test{secrets.token_hex(6)}",
        }
    with nats.NatsServer() as bus:
        log = AskedLog(tmp_path / "data", bus.url, store_url, environment, engine)
        await log.start()
        yield log
        await log.stop()
