"""POP3 sessions beside IMAP: the lock of a maildrop, very many messages, and what a client does not take."""

from __future__ import annotations

import poplib
import socket
from collections.abc import Iterator

import pytest

from shared.grpc.errors import TimedOut
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.integration.access.test_managesieve import Failing
from tests.parts import nats

_MANY = 100_000
_MAIL = b"Subject: x\r\n\r\n.text\r\n"


@pytest.fixture(scope="module")
def popular(bus_server: nats.NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """A server with POP3."""
    settings = {"pop3.listen": "true", "pop3.max_messages": str(_MANY), "access.patience": "1.5"}
    with ImapServer(tmp_path_factory.mktemp("pop3"), bus_server.url, settings) as started:
        yield started


def connected(server: ImapServer) -> poplib.POP3_SSL:
    return poplib.POP3_SSL("localhost", server.pop3s_port, context=server.client_context(), timeout=60)


def logged_in(server: ImapServer, user: str) -> poplib.POP3_SSL:
    """A session. Raises poplib.error_proto."""
    client = connected(server)
    client.user(f"{user}@example.org")
    client.pass_(PASSWORD)
    return client


def opens(server: ImapServer, user: str) -> bool:
    """Whether the maildrop is free; a session of its own ends at once."""
    try:
        logged_in(server, user).quit()
    except poplib.error_proto as error:
        assert b"[IN-USE]" in error.args[0]
        return False
    return True


def fill(server: ImapServer, user: str, number: int) -> str:
    """Give INBOX this many messages by copies of its own; returns its id."""
    account = f"a-{user}"
    server.deliver(user, _MAIL, prefix=b"")
    mailbox = server.mailstore("ViewMailbox", pb.MailboxNameRequest(account=account, name="INBOX")).mailbox.id
    there = 1
    while there < number:
        more = min(there, number - there)
        request = pb.CopyRequest(
            account=account, mailbox=mailbox, uids=pb.UidSet(bounds=[1, more]), target="INBOX", messages=more
        )
        server.mailstore("Copy", request)
        there += more
    return str(mailbox)


def test_the_lock_dies_with_the_socket(popular: ImapServer, user: str) -> None:
    popular.deliver(user, _MAIL)
    client = logged_in(popular, user)
    client.dele(1)
    assert not opens(popular, user)
    client.close()  # without QUIT: nothing is removed (RFC 1939 §6)
    until(lambda: opens(popular, user), "the maildrop to be free")
    second = logged_in(popular, user)
    assert second.stat()[0] == 1
    second.quit()


def test_the_lock_of_a_client_that_resets_the_connection_while_it_is_sent_a_mail(
    popular: ImapServer, user: str
) -> None:
    popular.deliver(user, b"Subject: large\r\n\r\n" + b"x" * 70 * 1024 + b"\r\n" * 1_000_000)
    client = logged_in(popular, user)
    client._putcmd("RETR 1")  # type: ignore[attr-defined]
    assert not opens(popular, user)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    until(lambda: opens(popular, user), "the maildrop to be free")


def test_who_does_not_read_holds_nobody_up(popular: ImapServer, user: str) -> None:
    popular.deliver(user, b"Subject: large\r\n\r\n" + b"0123456789\r\n" * 500_000)
    popular.deliver(f"{user}b", _MAIL)
    greedy = logged_in(popular, user)
    greedy.sock.sendall(b"RETR 1\r\n" * 500)
    for _ in range(20):
        other = logged_in(popular, f"{user}b")
        assert other.retr(1)[1][-1] == b".text"
        other.quit()
    greedy.close()


def test_a_hundred_thousand_messages(popular: ImapServer, user: str) -> None:
    mailbox = fill(popular, user, _MANY + 10)
    client = logged_in(popular, user)
    size = len(_MAIL)
    assert client.stat() == (_MANY, _MANY * size)
    sizes = client.list()[1]
    assert (len(sizes), sizes[-1]) == (_MANY, b"%d %d" % (_MANY, size))
    ids = {entry.split()[1] for entry in client.uidl()[1]}
    assert len(ids) == _MANY
    assert client.retr(_MANY)[1][-1] == b".text"
    client.sock.sendall(b"".join(b"DELE %d\r\n" % number for number in range(1, _MANY + 1, 2)))
    for _ in range(_MANY // 2):
        assert client._getline()[0].startswith(b"+OK")  # type: ignore[attr-defined]
    assert b"50000 messages" in client.quit()
    left = popular.mailstore("ListMailboxes", pb.ListMailboxesRequest(account=f"a-{user}", id=mailbox)).mailboxes[0]
    assert left.messages == _MANY + 10 - _MANY // 2
    client = logged_in(popular, user)
    assert client.stat()[0] == left.messages
    assert {entry.split()[1] for entry in client.uidl()[1]} - ids, "the ten oldest are shown now"
    client.quit()


def test_unique_ids_live_through_a_rename_of_inbox_and_a_way_back(popular: ImapServer, user: str) -> None:
    for _ in range(3):
        popular.deliver(user, _MAIL)
    client = logged_in(popular, user)
    before = client.uidl()[1]
    client.quit()
    imap = ImapClient(popular, user)
    imap.ok("RENAME INBOX Old")
    empty = logged_in(popular, user)
    assert empty.stat()[0] == 0
    empty.quit()
    imap.ok("SELECT Old")
    imap.ok("MOVE 1:* INBOX")
    client = logged_in(popular, user)
    assert client.uidl()[1] == before
    client.quit()


def test_a_removal_whose_answer_gets_lost_is_not_said_to_be_undone(popular: ImapServer, user: str) -> None:
    popular.deliver(user, _MAIL)
    client = logged_in(popular, user)
    client.dele(1)
    path = "/mailfold.mailstore.v1.Maildrops/RemoveFetched"
    lost = Failing(popular, path, TimedOut("the answer got lost"), service="mailstore", after=True)
    with lost, pytest.raises(poplib.error_proto, match="may be removed"):
        client.quit()
    again = logged_in(popular, user)
    assert again.stat()[0] == 0
    again.quit()
