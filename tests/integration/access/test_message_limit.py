"""MESSAGELIMIT (RFC 9738), where it is switched on: what would exceed it is refused, and nothing is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.parts import nats

_LITERAL = b"{%d+}\r\n%b" % (len(MAIL), MAIL)


@pytest.fixture(scope="module")
def server(bus_server: nats.NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """A server with a small limit."""
    settings = {"access.message_limit": "3", "access.keepalive": "0"}
    with ImapServer(tmp_path_factory.mktemp("limit"), bus_server.url, settings) as started:
        yield started


@pytest.fixture
def client(connect: Callable[..., ImapClient]) -> ImapClient:
    """A session with four messages in INBOX."""
    opened = connect()
    for _ in range(4):
        opened.append(MAIL)
    opened.ok("SELECT INBOX")
    return opened


@pytest.mark.parametrize("command", ["COPY 1:* Trash", "UID COPY 1:4 Trash", "MOVE 1:4 Trash", "UID MOVE 1:* Trash"])
def test_more_than_the_limit_is_refused_whole(client: ImapClient, command: str) -> None:
    assert b"MESSAGELIMIT=3" in client.ok("CAPABILITY")[0]
    assert client.ask(command) == (b"NO [MESSAGELIMIT 3] At most 3 messages at once", [])
    assert client.ok("STATUS Trash (MESSAGES)") == [b'* STATUS "Trash" (MESSAGES 0)']


def test_what_does_not_exceed_it_is_done(client: ImapClient) -> None:
    assert client.ask("COPY 2:* Trash")[0].startswith(b"OK [COPYUID")
    assert client.ask("MOVE 1:3 Trash")[0].startswith(b"OK")


def test_no_listing_is_ever_cut(client: ImapClient) -> None:
    """A client that never heard of RFC 9738 would take the missing messages for deleted."""
    assert len(client.ok("FETCH 1:* (UID FLAGS)")) == 4
    assert client.ok("UID SEARCH ALL") == [b"* SEARCH 1 2 3 4"]
    assert len(client.ok("STORE 1:* +FLAGS (\\Flagged)")) == 4


def test_an_append_of_more_is_refused_whole(client: ImapClient) -> None:
    client.send(b"a APPEND Trash " + b" ".join([_LITERAL] * 4) + b"\r\n")
    assert client.finish(b"a")[0].startswith(b"NO [MESSAGELIMIT 3]")
    client.send(b"b APPEND Trash " + b" ".join([_LITERAL] * 3) + b"\r\n")
    assert client.finish(b"b")[0].startswith(b"OK [APPENDUID")
