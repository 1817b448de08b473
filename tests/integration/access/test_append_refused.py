"""A refused APPEND leaves nothing in the blob store, and deletes no blob that others refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.parts import nats

Connect = Callable[..., ImapClient]
QUOTA = 20_000
"""Of the account `small`."""


@pytest.fixture
def small(connect: Connect) -> Iterator[ImapClient]:
    """A session of the account with a quota; its INBOX is empty before and after the test."""
    client = connect("small")
    yield client
    client.close()
    cleaner = connect("small")
    cleaner.ok("SELECT INBOX")
    cleaner.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)") if cleaner.ok("UID SEARCH ALL") != [b"* SEARCH"] else None
    cleaner.ok("EXPUNGE")


def stored(server: ImapServer) -> set[str]:
    """The ids of the stored blobs."""
    return {path.name for path in (server.places.blobs / "g0001").iterdir()}


def message(mark: str, octets: int) -> bytes:
    head = f"Subject: {mark}\r\n\r\n".encode()
    return head + b"x" * (octets - len(head))


def announced(client: ImapClient, *messages: bytes) -> bytes:
    """APPEND with literals that do not wait for `+`; returns the response."""
    literals = b"".join(b" {%d+}\r\n%b" % (len(result), result) for result in messages)
    client.send(b"x APPEND INBOX" + literals + b"\r\n")
    return client.finish(b"x")[0]


def test_more_than_the_quota_is_refused_before_it_is_sent(server: ImapServer, small: ImapClient) -> None:
    """A client that waits for `+` gets the refusal instead; a literal that was sent anyway is skipped."""
    before = stored(server)
    small.send(b"a APPEND INBOX {%d}\r\n" % (QUOTA + 1))
    assert small.line().startswith(b"a NO [OVERQUOTA] 20001 octets are more than the whole quota of 20000")
    assert announced(small, message("big", QUOTA + 1)).startswith(b"NO [OVERQUOTA]")
    assert stored(server) == before


def test_a_multiappend_that_is_refused_leaves_none_of_its_messages(server: ImapServer, small: ImapClient) -> None:
    before = stored(server)
    answer = announced(small, message("first", 9000), message("second", 9000), message("third", 9000))
    assert answer.startswith(b"NO [OVERQUOTA] 18000 of 20000 octets are used, 9000 more do not fit")
    assert announced(small, message("fourth", 900), b"").startswith(b"NO")
    assert stored(server) == before
    assert announced(small, message("first", 9000), message("second", 9000)).startswith(b"OK")
    assert len(stored(server) - before) == 2


def test_the_quota_is_asked_again_when_it_is_committed(server: ImapServer, small: ImapClient, connect: Connect) -> None:
    """When two sessions both seem to have room, the second is refused and leaves nothing."""
    before = stored(server)
    small.send(b"a APPEND INBOX {15000}\r\n")
    assert small.line().startswith(b"+")
    connect("small").append(message("quicker", 15000))
    small.send(message("slower", 15000) + b"\r\n")
    assert small.finish(b"a")[0].startswith(b"NO [OVERQUOTA]")
    assert len(stored(server) - before) == 1


def test_a_client_that_leaves_in_the_middle_leaves_nothing(server: ImapServer, small: ImapClient) -> None:
    before = stored(server)
    entry = message("left", 5000)
    small.send(b"a APPEND INBOX {%d+}\r\n%b {300}\r\n" % (len(entry), entry))
    assert small.line().startswith(b"+")
    assert len(stored(server) - before) == 1
    small.close()
    until(lambda: stored(server) == before, "the first body goes")


def test_what_somebody_refers_to_stays(server: ImapServer, small: ImapClient, connect: Connect, user: str) -> None:
    """The same octets are in another mailbox, as a copy in Sent equals the mail that is being delivered."""
    same = message("the same", 12_000)
    other = connect(user)
    other.append(same)
    assert announced(small, same, message("too much", 12_000)).startswith(b"NO [OVERQUOTA]")
    other.ok("SELECT INBOX")
    assert same in other.ok("FETCH 1 BODY[]")[0]


def test_the_reserve_of_free_disk(tmp_path: Path, bus_server: nats.NatsServer) -> None:
    """APPEND is refused before the literal is sent, with a code for a temporary failure (RFC 5530)."""
    with ImapServer(tmp_path, bus_server.url, {"access.reserve_bytes": str(2**50)}) as full:
        client = ImapClient(full)
        client.send(b"a APPEND INBOX {10}\r\n")
        assert client.line().startswith(b"a NO [UNAVAILABLE]")
        assert announced(client, message("x", 100)).startswith(b"NO [UNAVAILABLE]")
        assert list(full.places.blobs.glob("g0001/*")) == []
        client.close()
