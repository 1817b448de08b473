"""INPROGRESS (RFC 9585): a client hears from a long command, between responses and never within one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import pytest

from shared.grpc.servicers import Method
from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.parts import nats


@pytest.fixture(scope="module")
def server(bus_server: nats.NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """A server that reports soon."""
    settings = {"access.progress_seconds": "0.05", "access.keepalive": "0"}
    with ImapServer(tmp_path_factory.mktemp("progress"), bus_server.url, settings) as started:
        yield started


class Held:
    """Holds a method of the mailbox store until the client has heard of it."""

    def __init__(self, server: ImapServer, path: str) -> None:
        self._loop = server.loop
        self._go = asyncio.Event()
        self._methods = cast(dict[str, Method], server.methods["mailstore"])
        self._path = path
        self._method = method = self._methods[path]

        async def held(request: Any, context: Any) -> Any:
            await self._go.wait()
            return await method.behaviour(request, context)

        async def held_stream(request: Any, context: Any) -> AsyncIterator[Any]:
            await self._go.wait()
            async for message in method.behaviour(request, context):
                yield message

        self._methods[path] = method._replace(behaviour=held_stream if method.streams else held)

    def release(self) -> None:
        self._methods[self._path] = self._method
        self._loop.call_soon_threadsafe(self._go.set)


@pytest.mark.parametrize(
    ("method", "command"),
    [
        ("Mailstore/Search", "SEARCH SUBJECT tea"),
        ("Mailstore/Search", "ESEARCH IN (personal) SUBJECT tea"),
        ("Ordering/Sort", "SORT (SUBJECT) UTF-8 ALL"),
        ("Ordering/Thread", "THREAD REFERENCES UTF-8 ALL"),
        ("Mailstore/Copy", "COPY 1 Trash"),
    ],
)
def test_a_long_command_is_reported(
    server: ImapServer, connect: Callable[..., ImapClient], method: str, command: str
) -> None:
    client = connect()
    client.append(MAIL)
    client.ok("SELECT INBOX")
    held = Held(server, f"/mailfold.mailstore.v1.{method}")
    tag = client.begin(command)
    line = b'* OK [INPROGRESS ("%b" NIL NIL)] Still working' % tag
    assert [client.line(), client.line()] == [line, line]
    held.release()
    answer, reported = client.finish(tag)
    assert answer.startswith(b"OK")
    results = [other for other in reported if other != line]
    assert len(results) == (0 if command.startswith("COPY") else 1)
    assert client.ok("NOOP") == []
