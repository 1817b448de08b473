"""Tests the classifier on the event loop that the server uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.integration.classifier.rooms import Rooms, running
from tests.parts.nats import NatsServer


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of `shared.service.run`."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def rooms(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Rooms]:
    """The classifier and the mailbox store, before anything is taught."""
    async with running(nats_server.url, tmp_path) as started:
        yield started
