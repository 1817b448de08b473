"""One server for each layout and the whole run; all tests here use each of them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.harness.server import MailfoldServer
from tests.parts import nats
from tests.parts.required import needs

LAYOUTS = ("small-sqlite", "split-sqlite", "small-postgres", "split-postgres")


@pytest.fixture(scope="session", params=LAYOUTS)
def server(request: pytest.FixtureRequest) -> Iterator[MailfoldServer]:
    """A running server; each test creates its own accounts."""
    needs(nats)
    layout, store = request.param.split("-")
    url = request.getfixturevalue("postgres_server").create_database() if store == "postgres" else ""
    with MailfoldServer(layout=layout, store=url) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show the server's output when a test has failed."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, MailfoldServer):
        report.sections.append(("server logs", running.log_tails()))
    return report
