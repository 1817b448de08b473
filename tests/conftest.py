"""What all tests share: the rule about missing programs, the test data, one PostgreSQL per worker, figures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.harness.shown import PROPERTY, Show, shown_by
from tests.parts import nats, opensearch, postgres
from tests.parts import test_data as data_part
from tests.parts.required import fail_if_skipped, needs, skips_by_reason
from tests.parts.shared_opensearch import shared_opensearch

# Other tests share the machine, so a slow example is no failure; what is slow by its nature is counted by its own test.
hypothesis_settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
hypothesis_settings.load_profile("shared machine")
# Without this structlog draws every traceback with its local variables, which takes 0.2 s of CPU.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.dev.set_exc_info,
        structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What each worker runs, and in which order."""
    from tests.harness.workers import LongestFirst

    config.option.loadscopereorder = False
    return LongestFirst(config, log)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of third-party test data."""
    needs(data_part)
    return data_part.folder()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """One PostgreSQL for all tests of this worker; take a database of your own with `create_database()`."""
    needs(postgres)
    with postgres.PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def opensearch_url() -> Iterator[str]:
    """The OpenSearch that all tests share; use a prefix of your own, and leave the cluster's settings alone."""
    needs(opensearch)
    with shared_opensearch() as url:
        yield url


@pytest.fixture
def nats_server() -> Iterator[nats.NatsServer]:
    """A nats-server with JetStream for this test alone."""
    needs(nats)
    with nats.NatsServer() as server:
        yield server


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Show:
    """Shows a text at the end of the run, also when the test passes."""
    return lambda text: record_property(PROPERTY, text)


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
    for test, text in shown_by(report for reports in terminalreporter.stats.values() for report in reports):
        terminalreporter.section(test)
        terminalreporter.line(text)
    skipped = skips_by_reason(terminalreporter.stats.get("skipped", []))
    if skipped:
        terminalreporter.section("skipped, by reason")
    for count, reason in skipped:
        terminalreporter.line(f"{count:5}  {reason}")
