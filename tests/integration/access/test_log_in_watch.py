"""Sessions end when the directory ends their log-in, and only then; with TLS and the real directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.directory.app import build as build_directory
from services.directory.handlers.commands import OWNER
from shared.ids import shard_of
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2 import RemoveAccountRequest
from tests.contract.eventstore.restored import forget
from tests.harness.mails import MAIL
from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts import nats
from tests.parts.required import needs

ANN, BOB = "ann@example.org", "bob@example.org"
SWITCHED_OFF, REMOVED, CHANGED = (
    "This account was switched off",
    "This account was removed",
    "The password was changed; log in again",
)
Log = Callable[[], ImapClient]
REMOVAL = RemoveAccountRequest(account=ANN, fate=RemoveAccountRequest.ARCHIVE)
ENDINGS: dict[str, tuple[str, Any, str]] = {
    "user disabled": ("ChangeUser", pb.ChangeUserRequest(name="ann", disabled=True), SWITCHED_OFF),
    "account disabled": ("ChangeAccount", pb.ChangeAccountRequest(address=ANN, disabled=True), SWITCHED_OFF),
    "domain disabled": ("ChangeDomain", pb.ChangeDomainRequest(name="example.org", disabled=True), SWITCHED_OFF),
    "account removed": ("RemoveAccount", REMOVAL, REMOVED),
    "password changed": ("ChangeUser", pb.ChangeUserRequest(name="ann", password="another secret"), CHANGED),
}


@pytest.fixture
def bus_server() -> Iterator[nats.NatsServer]:
    """A bus for this test, which may stop it."""
    needs(nats)
    with nats.NatsServer() as bus:
        yield bus


@pytest.fixture
def server(bus_server: nats.NatsServer, tmp_path: Path) -> Iterator[ImapServer]:
    """Access, the mailbox store and the directory; ann and bob live in different domains."""
    settings = {"access.compare_seconds": "2", "access.keepalive": "0"}
    with ImapServer(tmp_path, bus_server.url, settings, build_directory) as started:
        for domain, name in (("example.org", "ann"), ("example.net", "bob")):
            started.directory("AddDomain", pb.AddDomainRequest(name=domain, incoming=True))
            started.directory("AddUser", pb.AddUserRequest(name=name, password=PASSWORD))
            started.directory("AddAccount", pb.AddAccountRequest(address=f"{name}@{domain}", user=name))
        yield started


def logged_in(server: ImapServer, address: str = ANN, password: str = PASSWORD) -> ImapClient:
    client = ImapClient(server, "")
    client.ok(f'LOGIN {address} "{password}"')
    return client


def idling(server: ImapServer) -> ImapClient:
    client = logged_in(server)
    client.ok("SELECT INBOX")
    client.begin("IDLE")
    assert client.line() == b"+ idling"
    return client


def sessions(server: ImapServer) -> int:
    return int(report(server).counts["sessions"])


def report(server: ImapServer) -> Any:
    access: Any = server.app("access")
    return server.run(access.report())


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_session_is_notified_and_ends(server: ImapServer, ending: str) -> None:
    method, request, text = ENDINGS[ending]
    others = logged_in(server, "bob@example.net")
    mine = [logged_in(server), idling(server), logged_in(server, ANN.upper())]
    server.directory(method, request)
    for client in mine:
        assert client.line() == b"* BYE " + text.encode()
        assert client.line() == b""
    others.ok("NOOP")
    assert ImapClient(server, "").ask(f'LOGIN {ANN} "{PASSWORD}"')[0].startswith(b"NO ")
    until(lambda: sessions(server) == 1, "the sessions to be forgotten")


def test_a_new_password_opens_at_once_and_stays_open(server: ImapServer) -> None:
    """The log-in may be known before the event that changed the password was followed."""
    for number in range(5):
        old = logged_in(server, password=PASSWORD if not number else f"secret number {number}")
        server.directory("ChangeUser", pb.ChangeUserRequest(name="ann", password=f"secret number {number + 1}"))
        new = logged_in(server, password=f"secret number {number + 1}")
        assert old.line() == b"* BYE " + CHANGED.encode()
        new.ok("NOOP")


def test_what_changes_nothing_for_the_log_in_ends_nothing(server: ImapServer) -> None:
    client = logged_in(server)
    server.directory("ChangeAccount", pb.ChangeAccountRequest(address=ANN, quota_bytes=50_000_000))
    server.directory("AddAlias", pb.AddAliasRequest(address="info@example.org", targets=[ANN]))
    server.directory("ChangeDomain", pb.ChangeDomainRequest(name="example.org", incoming=False))
    server.directory("ChangeUser", pb.ChangeUserRequest(name="bob", disabled=True))
    until(lambda: report(server).lag["directory"] == 0, "the events to be followed")
    client.ok("NOOP")


def test_pipelined_commands_are_not_carried_out_any_more(server: ImapServer) -> None:
    client = logged_in(server)
    server.directory("ChangeUser", pb.ChangeUserRequest(name="ann", disabled=True))
    reported = b""
    try:
        while b"* BYE" not in reported:
            client.send(b"x NOOP\r\n" * 200)
            reported = client.line()
    except OSError:  # it ended while we were writing
        return
    assert reported == b"* BYE " + SWITCHED_OFF.encode()


def test_a_client_that_does_not_read_its_answer_is_cut_off(server: ImapServer) -> None:
    client = logged_in(server)
    for _ in range(4):
        client.append(MAIL + b"x" * 4_000_000)
    client.ok("SELECT INBOX")
    client.begin("FETCH 1:4 BODY[]")
    server.directory("ChangeUser", pb.ChangeUserRequest(name="ann", disabled=True))
    until(lambda: sessions(server) == 0, "the session to end")


def test_a_change_while_the_bus_is_away_is_seen_all_the_same(server: ImapServer, bus_server: nats.NatsServer) -> None:
    client = idling(server)
    bus_server.stop()
    server.directory("ChangeUser", pb.ChangeUserRequest(name="ann", password="another secret"))
    assert client.line() == b"* BYE " + CHANGED.encode()


def test_a_directory_that_was_restored_from_a_backup_ends_every_session(server: ImapServer) -> None:
    """Its positions count from another log now, so no earlier log-in can be compared with it."""
    client = idling(server)
    server.directory("AddAlias", pb.AddAliasRequest(address="info@example.org", targets=[ANN]))
    until(lambda: report(server).lag["directory"] == 0, "the events to be followed")
    server.run(restored(server.app("directory")))
    assert client.line() == b"* BYE The server was restored; log in again"
    logged_in(server).ok("NOOP")


async def restored(directory: Any) -> None:
    """Restore the directory from a backup that lacks its last event."""
    shard = shard_of(OWNER)
    position = (await directory.store.heads())[shard] - 1
    await directory.store.write(lambda transaction: forget(transaction, shard, position))
    directory.store._heads.positions[shard] = position
