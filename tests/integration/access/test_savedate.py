"""SAVEDATE (RFC 8514): when a message came into this mailbox, which COPY and MOVE set anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.clock import SystemClock
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.parts import nats

_DAY = 86_400_000_000
_INTERNAL = " 1-Jan-2001 00:00:00 +0200"
_DATES = re.compile(rb'INTERNALDATE "([^"]*)" SAVEDATE "([^"]*)"')


class ForwardClock(SystemClock):
    """The machine's clock, some days ahead."""

    days = 0

    def now(self) -> int:
        return super().now() + self.days * _DAY


@pytest.fixture
def clock() -> ForwardClock:
    return ForwardClock()


@pytest.fixture
def client(bus_server: nats.NatsServer, tmp_path: Path, clock: ForwardClock) -> Iterator[ImapClient]:
    """A session whose INBOX has one message of long ago."""
    with ImapServer(tmp_path / "data", bus_server.url, clock=clock) as server:
        session = ImapClient(server)
        session.send(b'a APPEND INBOX "%b" {5+}\r\nhello\r\n' % _INTERNAL.encode())
        assert session.finish(b"a")[0].startswith(b"OK")
        yield session
        session.close()


def saved(client: ImapClient, mailbox: str) -> datetime:
    """The day of the newest message of a mailbox, whose INTERNALDATE stays."""
    client.ok(f"SELECT {mailbox}")
    match = _DATES.search(b" ".join(client.ok("FETCH * (INTERNALDATE SAVEDATE)")))
    assert match is not None and match[1].decode() == _INTERNAL
    return datetime.strptime(match[2].decode().strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)


def matches(client: ImapClient, mailbox: str, key: str, day: datetime) -> bool:
    client.ok(f"SELECT {mailbox}")
    return client.ok(f"SEARCH {key} {day.strftime('%d-%b-%Y')}") == [b"* SEARCH 1"]


def test_copy_and_move_set_it_anew(client: ImapClient, clock: ForwardClock) -> None:
    client.ok("ENABLE CONDSTORE")
    first = saved(client, "INBOX")
    clock.days = 3
    client.ok("COPY 1 Drafts")
    copied = saved(client, "Drafts")
    clock.days = 7
    client.ok("SELECT INBOX")
    client.ok("MOVE 1 Archive")
    moved = saved(client, "Archive")
    assert (copied - first).days == 3 and (moved - first).days == 7
    clock.days = 9
    client.ok("STORE 1 +FLAGS (\\Seen)")
    assert saved(client, "Archive") == moved, "a changed flag does not change it"
    assert matches(client, "Archive", "SAVEDON", moved)
    assert not matches(client, "Archive", "SAVEDBEFORE", moved)
    assert matches(client, "Archive", "SAVEDSINCE", moved)
    assert not matches(client, "Archive", "SAVEDON", first)
    assert matches(client, "Drafts", "SAVEDBEFORE", moved) and matches(client, "Drafts", "SAVEDON", copied)
    assert not matches(client, "Drafts", "SAVEDSINCE", moved)
    assert matches(client, "Drafts", "SAVEDATESUPPORTED SAVEDSINCE", copied)
    client.ok("SELECT Archive")
    client.ok("MOVE 1 INBOX")
    assert (saved(client, "INBOX") - first).days == 9, "a message that comes back has come in again"
