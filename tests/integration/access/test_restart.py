"""The mailbox store stops and returns while sessions are open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.grpc.errors import TimedOut, Unavailable
from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer

Connect = Callable[..., ImapClient]
_MAILSTORE = "/mailfold.mailstore.v1.Mailstore/"


class Flaky:
    """Makes a method fail some times: before it is carried out, or afterwards, so that its reply is lost."""

    def __init__(self, server: ImapServer, method: str, failures: int, *, after: bool) -> None:
        self._methods: Any = server.methods["mailstore"]
        self._path = _MAILSTORE + method
        self._whole = self._methods[self._path]
        self.left = failures
        self._after = after

    def __enter__(self) -> Flaky:
        self._methods[self._path] = self._whole._replace(behaviour=self._behave)
        return self

    def __exit__(self, *_: object) -> None:
        self._methods[self._path] = self._whole

    async def _behave(self, request: Any, context: Any) -> Any:
        fails, self.left = self.left > 0, self.left - 1
        if fails and not self._after:
            raise Unavailable("the store is starting")
        reply = await self._whole.behaviour(request, context)
        if fails:
            raise TimedOut("the answer got lost")
        return reply


def test_a_write_is_repeated_and_done_once(server: ImapServer, connect: Connect) -> None:
    client = connect()
    client.append(MAIL)
    client.ok("SELECT INBOX")
    for after in (False, True):
        with Flaky(server, "Append", 2, after=after):
            client.append(MAIL)
        with Flaky(server, "Copy", 2, after=after):
            client.ok("COPY 1 Archive")
        with Flaky(server, "CreateMailbox", 2, after=after):
            client.ok(f"CREATE made-{after}")
    assert client.ok("STATUS INBOX (MESSAGES)")[0] == b'* STATUS "INBOX" (MESSAGES 3)'
    assert client.ok("STATUS Archive (MESSAGES)")[0] == b'* STATUS "Archive" (MESSAGES 2)'


def test_moves_and_expunges_are_answered_again(server: ImapServer, connect: Connect) -> None:
    client = connect()
    for _ in range(3):
        client.append(MAIL)
    client.ok("SELECT INBOX")
    with Flaky(server, "Move", 1, after=True):
        reported = client.ok("MOVE 1 Trash")
    assert reported[0].startswith(b"* OK [COPYUID ")
    assert reported[1] == b"* 1 EXPUNGE"
    with Flaky(server, "Store", 1, after=True):
        assert client.ok("STORE 1 (UNCHANGEDSINCE 5) +FLAGS (\\Deleted)") == [
            b"* OK [HIGHESTMODSEQ 5] Highest MODSEQ",
            b"* 1 FETCH (UID 2 FLAGS (\\Deleted \\Recent) MODSEQ (6))",
        ]
    with Flaky(server, "Expunge", 1, after=True):
        assert client.ok("EXPUNGE") == [b"* 1 EXPUNGE", b"* 1 RECENT"]
    with Flaky(server, "DeleteMailbox", 1, after=True):
        client.ok("DELETE Archive")
    with Flaky(server, "RenameMailbox", 1, after=True):
        client.ok("RENAME Sent Gone")


def test_a_store_that_stays_away(server: ImapServer, connect: Connect) -> None:
    client = connect()
    with Flaky(server, "Copy", 1000, after=False):
        client.ok("SELECT INBOX")
        client.append(MAIL)
        assert client.ask("COPY 1 Trash")[0].startswith(b"NO [UNAVAILABLE]")
    client.ok("COPY 1 Trash")


def test_a_message_is_replaced_once(server: ImapServer, connect: Connect) -> None:
    client = connect()
    client.append(MAIL)
    client.ok("SELECT INBOX")
    for uid, after in ((1, False), (2, True)):
        with Flaky(server, "Replace", 2, after=after):
            client.send(b"x UID REPLACE %d INBOX {5+}\r\nhello\r\n" % uid)
            answer, reported = client.finish(b"x")
        assert answer.startswith(b"OK"), answer
        assert reported[0].startswith(b"* OK [APPENDUID ")
        assert reported[1:3] == [b"* 2 EXISTS", b"* 1 EXPUNGE"]
    assert client.ok("STATUS INBOX (MESSAGES)")[0] == b'* STATUS "INBOX" (MESSAGES 1)'
