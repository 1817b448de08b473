"""One server for each layout and the whole run; `tests.harness.layouts` says which of them a test uses."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.compose_server import ComposeServer
from tests.harness.layouts import COMPOSE, LAYOUTS, layouts_of, needs_containers, runs_in_containers
from tests.harness.server import MailfoldServer
from tests.parts import namespaces, nats
from tests.parts.required import needs

_HERE = Path(__file__).parent


@pytest.fixture(scope="session", params=(*LAYOUTS, COMPOSE))
def server(request: pytest.FixtureRequest) -> Iterator[MailfoldServer]:
    """A running server; each test creates its own accounts."""
    needs(nats)
    layout, store = request.param.split("-")
    if request.param == COMPOSE:
        needs(namespaces)
    url = request.getfixturevalue("postgres_server").create_database() if store == "postgres" else ""
    with ComposeServer(url) if request.param == COMPOSE else MailfoldServer(layout=layout, store=url) as running:
        yield running


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the layouts in which a test need not run; pytest reports how many tests these are."""
    left_out = [item for item in items if not _belongs(item)]
    if left_out:
        items[:] = [item for item in items if _belongs(item)]
        config.hook.pytest_deselected(items=left_out)


def _belongs(item: pytest.Item) -> bool:
    """Whether the test runs in the layout that is its parameter; tests of other folders have none."""
    layout = item.callspec.params.get("server") if hasattr(item, "callspec") else None
    if layout == COMPOSE:
        return runs_in_containers(item.nodeid)
    if layout in LAYOUTS and needs_containers(item.nodeid):
        return False
    if layout not in LAYOUTS or not item.path.is_relative_to(_HERE):
        return True
    return layout in layouts_of(
        item.nodeid.partition("[")[0], everywhere=item.get_closest_marker("all_layouts") is not None
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show the server's output when a test has failed."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, MailfoldServer):
        report.sections.append(("server logs", running.log_tails()))
    return report
