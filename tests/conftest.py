"""What all tests share: the rule about missing programs, the test data, and one PostgreSQL for the whole run."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.parts import nats, postgres
from tests.parts import test_data as data_part
from tests.parts.required import fail_if_skipped, needs, skips_by_reason


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of third-party test data."""
    needs(data_part)
    return data_part.folder()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """One PostgreSQL for the whole run; take a database of your own with `create_database()`."""
    needs(postgres)
    with postgres.PostgresServer() as server:
        yield server


@pytest.fixture
def nats_server() -> Iterator[nats.NatsServer]:
    """A nats-server with JetStream for this test alone."""
    needs(nats)
    with nats.NatsServer() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    fail_if_skipped(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = skips_by_reason(terminalreporter.stats.get("skipped", []))
    if skipped:
        terminalreporter.section("skipped, by reason")
    for count, reason in skipped:
        terminalreporter.line(f"{count:5}  {reason}")
