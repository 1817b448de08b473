"""One server for hostile input: every limit of the product at its default, and 1024 file descriptors, soft and hard.

What belongs here: what a stranger or a user may send or open so that other people wait, are refused, or lose something,
when only a running server can show it. A test creates its own accounts (`server.people.person("ann")`), attacks, and
counts rows, octets, connections or calls, never seconds. It shows that the harm is bounded and that somebody else is
still served, and leaves the server as it was before.

What needs no server is a unit test beside the code that it attacks. A test that must change a setting starts a
`MailfoldServer` of its own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.harness.server import MailfoldServer
from tests.parts import nats
from tests.parts.required import needs

DESCRIPTORS = 1024
"""What a process gets by default on most systems."""


@pytest.fixture(scope="session")
def server() -> Iterator[MailfoldServer]:
    """A running server, layout small on SQLite."""
    needs(nats)
    with MailfoldServer(in_haste=False, descriptors=DESCRIPTORS) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show the server's output when a test has failed."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, MailfoldServer):
        report.sections.append(("server logs", running.log_tails()))
    return report
