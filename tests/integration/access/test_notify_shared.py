"""NOTIFY for mailboxes of others: many of them, many owners, and lists that change without end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from services.access.session.versions import Versions
from services.directory.app import build as build_directory
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.integration.access.sharing_people import SharingPeople
from tests.integration.access.turn_witness import TurnWitness
from tests.parts import nats
from tests.parts.required import needs

_CALLS = 200_000
"""The largest number of function calls in a turn: some 25 ms."""
_GROUP = '(subtree "Other Users" (MessageNew MessageExpunge MailboxName))'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    needs(nats)
    folder = tmp_path_factory.mktemp("watched")
    with nats.NatsServer() as bus, ImapServer(folder, bus.url, {"sharing.enabled": "true"}, build_directory) as started:
        yield started


def log_in(server: ImapServer, address: str) -> ImapClient:
    client = ImapClient(server, "")
    client.ok(f'LOGIN {address} "{PASSWORD}"')
    return client


def all_ok(client: ImapClient, commands: list[str]) -> None:
    client.send("".join(f"p{number} {command}\r\n" for number, command in enumerate(commands)).encode())
    for number, command in enumerate(commands):
        assert client.finish(b"p%d" % number)[0].startswith(b"OK"), command


def versions(server: ImapServer) -> Versions:
    access: Any = server.app("access")
    known: Versions = access._versions
    return known


def test_thousands_of_shared_mailboxes(server: ImapServer) -> None:
    people = SharingPeople(server, "many.example")
    people.make_domain()
    ann, bob = people.user("many-ann"), people.user("many-bob")
    owner, watching, other = log_in(server, ann), log_in(server, bob), log_in(server, bob)
    all_ok(owner, ["CREATE Top", f"SETACL Top {bob} lr", *(f"CREATE Top/m{number}" for number in range(1500))])
    with TurnWitness(server.loop) as witness:
        states = watching.ok(f"NOTIFY SET STATUS {_GROUP}")
        assert len(states) == 1501
        owner.append(b"hello", "Top/m77")
        assert watching.line().startswith(f'* STATUS "Other Users/{ann}/Top/m77" (MESSAGES 1 '.encode())
        other.ok("NOOP")
        owner.ok("RENAME Top Peak")
        assert len([watching.line() for _ in range(1501)]) == 1501
    assert witness.most <= _CALLS
    watching.ok("NOTIFY NONE")
    watching.ok("NOOP")


def test_lists_that_change_without_end_are_few_looks(server: ImapServer) -> None:
    people = SharingPeople(server, "storm.example")
    people.make_domain()
    ann, bob = people.user("storm-ann"), people.user("storm-bob")
    owner, watching = log_in(server, ann), log_in(server, bob)
    owner.ok("CREATE Box")
    watching.ok(f"NOTIFY SET {_GROUP}")
    before = versions(server).rights
    all_ok(owner, [f"SETACL Box {bob} {sign}lr" for _ in range(150) for sign in "+-"])
    owner.ok(f"SETACL Box {bob} lr")
    name = f'"Other Users/{ann}/Box"'.encode()
    last = b""
    while not last.startswith(b"* LIST () "):
        last = watching.line()
        assert name in last
    owner.ok(f'SETACL Box {bob} ""')
    while not last.startswith(b"* LIST (\\NonExistent) "):
        last = watching.line()
    assert watching.ok("NOOP") == []
    assert versions(server).rights - before < 150, "fewer looks than changes: at most one each second"


def test_more_owners_than_may_be_watched(server: ImapServer) -> None:
    people = SharingPeople(server, "owners.example")
    people.make_domain()
    bob = people.user("owners-bob")
    owners = [log_in(server, people.user(f"owner{number}")) for number in range(3)]
    watching = log_in(server, bob)
    settings: Any = server.app("access")._settings  # type: ignore[attr-defined]
    most = settings.notify_owners
    try:
        msgspec.structs.force_setattr(settings, "notify_owners", 2)
        for owner in owners[:2]:
            owner.ok(f"SETACL INBOX {bob} lr")
        watching.ok(f"NOTIFY SET {_GROUP}")
        owners[2].ok(f"SETACL INBOX {bob} lr")
        assert watching.line().startswith(b"* OK [NOTIFICATIONOVERFLOW] ")
        owners[0].append(b"hello")
        assert watching.ok("NOOP") == []
        assert watching.ask(f"NOTIFY SET {_GROUP}")[0].startswith(b"NO [NOTIFICATIONOVERFLOW]")
    finally:
        msgspec.structs.force_setattr(settings, "notify_owners", most)
    watching.ok(f"NOTIFY SET {_GROUP}")
    ids = {people.accounts[f"owner{number}@owners.example"] for number in range(3)}
    for owner in owners:
        owner.ok("LOGOUT")
    assert ids <= versions(server)._watches.keys(), "a session watches the owners"
    watching.ok("NOTIFY NONE")
    watching.ok("NOOP")
    assert not ids & versions(server)._watches.keys(), "no session watches them any more"
