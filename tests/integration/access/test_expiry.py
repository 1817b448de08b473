"""Mailboxes forget messages: real directory, mailbox store and IMAP, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from services.directory.app import build as build_directory
from services.mailstore.app import Mailstore
from shared.clock import SystemClock
from shared.events.expiry import MessagesExpired
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.expiry import DAY
from shared.grpc.call import acting
from shared.grpc.errors import Denied, LimitReached, NotFound
from shared.protocol.imap.ranges import count
from shared.rpc.mailfold.directory.v1 import archives_pb2, roles_pb2
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesStub
from shared.rpc.mailfold.mailstore.v1 import expiry_pb2, removed_pb2
from shared.rpc.mailfold.mailstore.v1.expiry_pb2_grpc import ExpiryStub
from shared.rpc.mailfold.mailstore.v1.removed_pb2_grpc import RemovedStub
from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts import nats

ANN = "ann@example.org"
OLD = '"01-Feb-2001 10:00:00 +0000"'


class MovedClock(SystemClock):
    """The machine's clock, moved by whole days; its `monotonic` is not moved."""

    def __init__(self) -> None:
        self.days = 0.0

    def now(self) -> int:
        return super().now() + int(self.days * DAY)


class Installation:
    """The services with one account, and the clock."""

    def __init__(self, server: ImapServer, clock: MovedClock) -> None:
        self.server = server
        self.clock = clock
        server.directory("AddDomain", pb.AddDomainRequest(name="example.org", incoming=True))
        server.directory("AddUser", pb.AddUserRequest(name="ann", password=PASSWORD))
        account = server.directory("AddAccount", pb.AddAccountRequest(address=ANN, user="ann"))
        self.account: str = account.id

    @property
    def mailstore(self) -> Mailstore:
        return cast(Mailstore, self.server.app("mailstore"))

    def look(self) -> int:
        """Let the mailbox store look now; returns how many messages it removed."""
        return self.server.run(self.mailstore.expiry.look())

    def look_twice_at_once(self) -> int:
        """Two looks side by side, as two processes would; returns how many messages they removed together."""

        async def both() -> int:
            return sum(await asyncio.gather(self.mailstore.expiry.look(), self.mailstore.expiry.look()))

        return self.server.run(both())

    def set_domain(self, name: str, value: str) -> None:
        self.server.directory("SetDomainValue", pb.DomainValueRequest(name="example.org", value_name=name, value=value))

    def expire(self, mailbox: str, days: int, *, dry_run: bool = False) -> expiry_pb2.MailboxExpiry:
        stub = ExpiryStub(self.channel("mailstore"))
        request = expiry_pb2.ChangeExpiryRequest(account=self.account, mailbox=mailbox, days=days, dry_run=dry_run)
        return cast(expiry_pb2.MailboxExpiry, self.server.run(_answer(stub.ChangeExpiry, request)))

    def as_user(self, name: str, mailbox: str, days: int) -> expiry_pb2.MailboxExpiry:
        """Set a rule of ann's account in the name of a user."""
        user = self.server.directory("ShowUser", pb.NameRequest(name=name)).id
        request = expiry_pb2.ChangeExpiryRequest(account=self.account, mailbox=mailbox, days=days)

        async def ask() -> Any:
            with acting(Provenance(Actor("user", user))):
                return await ExpiryStub(self.channel("mailstore")).ChangeExpiry(request)

        return cast(expiry_pb2.MailboxExpiry, self.server.run(ask()))

    def restore(self, **choice: Any) -> dict[str, int]:
        """Restore removed messages of ann's account; returns how many came into each mailbox."""
        chosen = removed_pb2.RemovedChoice(account=self.account, **choice)
        stub = RemovedStub(self.channel("mailstore"))
        reply = self.server.run(_answer(stub.RestoreRemoved, removed_pb2.RestoreRemovedRequest(choice=chosen)))
        return {restored.mailbox: restored.messages for restored in reply.mailboxes}

    def refused_rights(self) -> list[str]:
        """The methods whose refusal the directory recorded."""
        store = cast(Any, self.server.app("directory")).store
        sql = "SELECT data FROM event WHERE type = 'right.refused' ORDER BY at"
        return [json.loads(data)["method"] for (data,) in self.server.run(store.read(lambda reader: reader.all(sql)))]

    def channel(self, service: str) -> Any:
        """A channel for the operator."""
        assert self.server.host is not None
        return self.server.host.channel(service, "operator")

    def is_closed(self) -> bool:
        """Whether the mailbox store holds the account for an archive."""
        closed = "SELECT 1 FROM closed_account WHERE account = ?"
        read = self.mailstore.store.read(lambda reader: reader.first_row(closed, (self.account,)))
        return self.server.run(read) is not None

    def expired(self) -> list[Recorded]:
        """The events of removals."""
        stream = self.server.run(self.mailstore.store.read_stream(self.account))
        return [entry for entry in stream if isinstance(entry.event, MessagesExpired)]


async def _answer(method: Any, request: Any) -> Any:
    return await method(request)


@pytest.fixture
def place(bus_server: nats.NatsServer, tmp_path: Path) -> Iterator[Installation]:
    """The server forgets messages in Spam after 7 days; its timer does not run within a test."""
    settings = {
        "expiry.spam_days": "7",
        "mailstore.expiry_seconds": "86400",
        "mailstore.owner_expiry_least": "3",
        "mailstore.owner_expiry_most": "60",
    }
    clock = MovedClock()
    with ImapServer(tmp_path / "data", bus_server.url, settings, build_directory, clock) as server:
        yield Installation(server, clock)


@pytest.fixture
def ann(place: Installation) -> Iterator[ImapClient]:
    client = ImapClient(place.server, "ann")
    yield client
    client.close()


def append(client: ImapClient, mailbox: str, number: int = 1) -> None:
    """Messages with an INTERNALDATE of long ago."""
    for _ in range(number):
        tag = client.begin(f"APPEND {mailbox} {OLD} {{24+}}\r\nSubject: old\r\n\r\nwords\r\n.")
        assert client.finish(tag)[0].startswith(b"OK")


def held(client: ImapClient, mailbox: str) -> int:
    line = next(line for line in client.ok(f"STATUS {mailbox} (MESSAGES)") if line.startswith(b"* STATUS"))
    return int(line.rpartition(b" ")[2].rstrip(b")"))


def test_a_message_goes_by_its_arrival_in_the_mailbox(place: Installation, ann: ImapClient) -> None:
    append(ann, "Trash")
    append(ann, "INBOX", 2)
    place.clock.days = 5
    place.set_domain("expire_trash", "30")
    place.clock.days = 10
    ann.ok("SELECT INBOX")
    ann.ok("UID MOVE 1 Trash")
    ann.ok("UID COPY 2 Trash")
    place.clock.days = 34.9
    assert place.look() == 0
    place.clock.days = 35.1  # 30 days after the rule was set
    assert (place.look(), held(ann, "Trash")) == (1, 2)
    ann.ok("SELECT Trash")
    place.clock.days = 39.9
    assert place.look() == 0
    place.clock.days = 40.1
    assert place.look_twice_at_once() == 2
    assert [line for line in ann.ok("NOOP") if line.endswith(b"EXPUNGE")] == [b"* 2 EXPUNGE", b"* 1 EXPUNGE"]
    assert (held(ann, "Trash"), held(ann, "INBOX")) == (0, 1)
    events = place.expired()
    assert [count(entry.event.uids) for entry in events] == [1, 2]  # type: ignore[attr-defined]
    assert (events[0].provenance.actor.kind, events[0].event.days) == ("service", 30)  # type: ignore[attr-defined]


def test_spam_by_the_setting_of_the_server(place: Installation, ann: ImapClient) -> None:
    append(ann, "Spam", 600)  # more than a unit of work removes
    place.clock.days = 6.9
    append(ann, "Spam")
    assert place.look() == 0
    place.clock.days = 7.1
    assert (place.look(), held(ann, "Spam")) == (600, 1)
    assert [count(entry.event.uids) for entry in place.expired()] == [500, 100]  # type: ignore[attr-defined]
    place.set_domain("expire_spam", "never")
    place.clock.days = 100
    assert place.look() == 0
    place.set_domain("expire_spam", "default")  # the rule of the server, from now on
    place.clock.days = 106.9
    assert place.look() == 0
    place.clock.days = 107.1
    assert (place.look(), held(ann, "Spam")) == (1, 0)


def test_a_rule_of_a_mailbox_is_shown_before_it_is_set(place: Installation, ann: ImapClient) -> None:
    ann.ok("CREATE Lists")
    append(ann, "Lists", 3)
    place.clock.days = 50
    shown = place.expire("Lists", 10, dry_run=True)
    assert (shown.mailbox, shown.days, shown.own_days, shown.messages, shown.at_once) == ("Lists", 10, 10, 3, 0)
    assert shown.first_at == shown.last_at > place.clock.now() + 9 * DAY
    place.clock.days = 100
    assert (place.look(), held(ann, "Lists")) == (0, 3)
    place.expire("Lists", 10)
    ann.ok("RENAME Lists Letters")  # the rule belongs to the mailbox and not to its name
    place.clock.days = 109.9
    assert place.look() == 0
    place.clock.days = 110.1
    assert (place.look(), held(ann, "Letters")) == (3, 0)
    assert place.expire("Letters", 0).days == 0
    append(ann, "Letters")
    place.clock.days = 1000
    assert (place.look(), held(ann, "Letters")) == (0, 1)


def test_shortened_gives_present_mail_the_days_from_then(place: Installation, ann: ImapClient) -> None:
    place.set_domain("expire_trash", "30")
    append(ann, "Trash")
    place.clock.days = 29
    place.expire("Trash", 5)
    place.clock.days = 33.9
    assert place.look() == 0
    place.clock.days = 34.1
    assert (place.look(), held(ann, "Trash")) == (1, 0)


def test_the_role_is_the_special_use_and_not_the_name(place: Installation, ann: ImapClient) -> None:
    ann.ok("RENAME Spam Unwanted")
    append(ann, "Unwanted")
    place.clock.days = 7.1
    assert (place.look(), held(ann, "Unwanted")) == (1, 0)
    ann.ok("DELETE Unwanted")
    ann.ok("CREATE Spam")
    append(ann, "Spam")
    ann.ok("CREATE Junk (USE (\\Junk))")
    append(ann, "Junk")
    place.clock.days = 14.3
    assert (place.look(), held(ann, "Junk"), held(ann, "Spam")) == (1, 0, 1)


def test_refusals_change_nothing(place: Installation, ann: ImapClient) -> None:
    ann.ok("NOOP")
    with pytest.raises(NotFound, match="there is no mailbox"):
        place.expire("Nowhere", 5)
    for days in (-2, 36_501):
        with pytest.raises(LimitReached):
            place.expire("Trash", days)


def test_an_archive_keeps_its_mail_and_loses_nothing_at_once_when_it_is_restored(
    place: Installation, ann: ImapClient
) -> None:
    append(ann, "Spam", 2)
    archives = ArchivesStub(place.channel("directory"))
    request = archives_pb2.RemoveAccountRequest
    remove = request(account=ANN, fate=request.ARCHIVE, references=request.END)
    place.server.run(_answer(archives.RemoveAccount, remove))
    until(place.is_closed, "the archive in the mailbox store")
    place.clock.days = 30
    assert place.look() == 0
    place.server.run(_answer(archives.RestoreArchive, archives_pb2.RestoreArchiveRequest(archive=place.account)))
    until(lambda: not place.is_closed(), "the restored account")
    place.clock.days = 36.9
    assert place.look() == 0
    place.clock.days = 37.1
    assert place.look() == 2


def test_what_expired_comes_back_in_a_session_that_waits_and_has_its_days_once_more(
    place: Installation, ann: ImapClient
) -> None:
    append(ann, "Spam", 3)
    ann.ok("SELECT Spam")
    ann.ok("STORE 1:2 +FLAGS (\\Seen $Work)")
    place.clock.days = 7.1
    assert (place.look(), held(ann, "Spam")) == (3, 0)
    ann.ok("NOOP")
    run = place.expired()[0].provenance.command.partition("/")[0]
    place.clock.days = 20
    assert place.restore(command=run) == {"Spam": 3}
    assert b"* 3 EXISTS" in ann.ok("NOOP")
    fetched = ann.ok("FETCH 1:* (UID FLAGS INTERNALDATE)")
    assert [b"UID 4 " in fetched[0], b"UID 6 " in fetched[2], b"$Work" in fetched[1], b"$Work" in fetched[2]] == [
        True,
        True,
        True,
        False,
    ]
    assert all(b"Feb-2001 10:00:00 +0000" in line for line in fetched[:3])
    place.clock.days = 26.9
    assert (place.look(), place.restore()) == (0, {})
    place.clock.days = 27.1
    assert place.look() == 3
    place.clock.days = 57.2
    assert place.restore() == {}  # the window is over


def test_owners_set_rules_within_what_the_operator_permits(place: Installation, ann: ImapClient) -> None:
    ann.ok("CREATE Lists")
    for name in ("eve", "carla"):
        place.server.directory("AddUser", pb.AddUserRequest(name=name, password=PASSWORD))
    give = roles_pb2.GiveRoleRequest(user="carla", role="domain-admin", domains=["example.org"])
    place.server.run(_answer(RolesStub(place.channel("directory")).GiveRole, give))
    assert place.as_user("ann", "Lists", 3).own_days == 3
    assert place.as_user("carla", "Lists", 60).days == 60
    for days, text in ((2, "at least 3"), (61, "at most 60"), (0, "at most 60")):
        with pytest.raises(LimitReached, match=text):
            place.as_user("ann", "Lists", days)
    assert place.as_user("ann", "Lists", -1).own_days == -1
    assert place.expire("Lists", 1).days == 1  # the operator is not bound
    with pytest.raises(Denied):
        place.as_user("eve", "Lists", 10)
    assert place.expire("Lists", 1, dry_run=True).days == 1
    assert place.refused_rights() == ["Expiry/ChangeExpiry"]
