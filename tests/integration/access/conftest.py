"""One IMAP server for the tests of this folder; each test has its own accounts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.parts import nats
from tests.parts.required import needs

_numbers = itertools.count(1)
Connect = Callable[..., ImapClient]


@pytest.fixture(scope="module")
def bus_server() -> Iterator[nats.NatsServer]:
    """A bus for this module, so that a test may wipe it."""
    needs(nats)
    with nats.NatsServer() as bus:
        yield bus


@pytest.fixture(scope="module")
def server(bus_server: nats.NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """The access service, the mailbox store, and a directory with one password."""
    settings = {"access.compare_seconds": "2", "access.keepalive": "0", "access.patience": "1.5"}
    with ImapServer(tmp_path_factory.mktemp("imap"), bus_server.url, settings) as started:
        yield started


@pytest.fixture
def user() -> str:
    """The name of an account that nobody used before."""
    return f"user{next(_numbers)}"


@pytest.fixture
def connect(server: ImapServer, user: str) -> Iterator[Connect]:
    """Opens sessions of the test's account, or of another one."""
    opened: list[ImapClient] = []

    def open_client(name: str | None = None) -> ImapClient:
        opened.append(ImapClient(server, user if name is None else name))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()
