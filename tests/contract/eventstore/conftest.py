"""Runs the contract of the event store on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from tests.contract.eventstore.harness import Harness, MakeBackend


@pytest.fixture
def sqlite_backend(tmp_path: Path) -> MakeBackend:
    return lambda: SqliteBackend(tmp_path / "store" / "purses.sqlite")


@pytest.fixture
def postgres_backend(request: pytest.FixtureRequest) -> MakeBackend:
    url: str = request.getfixturevalue("postgres_server").create_database()
    return lambda: PostgresBackend(url, "mailfold_purses")


@pytest.fixture(params=["sqlite", "postgresql"])
def backend_maker(request: pytest.FixtureRequest) -> MakeBackend:
    maker: MakeBackend = request.getfixturevalue("sqlite_backend" if request.param == "sqlite" else "postgres_backend")
    return maker


@pytest.fixture
async def harness(backend_maker: MakeBackend) -> AsyncIterator[Harness]:
    harness = Harness(backend_maker)
    yield harness
    await harness.close_all()


@pytest.fixture
async def store(harness: Harness) -> EventStore:
    return await harness.open()
