"""One small server for all clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.parts import nats
from tests.parts.required import needs


@pytest.fixture(scope="session")
def server() -> Iterator[MailfoldServer]:
    """A running server; tests take people of their own."""
    needs(nats)
    with MailfoldServer() as running:
        yield running


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """The user of the client."""
    return server.people.person("ann")
