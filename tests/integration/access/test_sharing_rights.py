r"""Rights are never exceeded: random commands of several users, against a model and against the log of events.

\Seen is each user's own in one of the mailboxes.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from services.directory.app import build as build_directory
from services.mailstore.domain.access_list import rights_for
from shared.events import mailbox as events
from shared.events.mailbox_rights import MailboxRightsChanged
from shared.events.own_seen import OwnSeenChanged
from shared.eventstore.event import Event, decode, decode_actor
from shared.protocol.imap.mailbox_name import ancestors
from shared.protocol.imap.rights import ALL_RIGHTS, right_for_flag, shown_rights
from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.integration.access.sharing_people import SharingPeople
from tests.parts import nats
from tests.parts.required import needs

_numbers = itertools.count(1)
MAILBOXES = ("One", "Two", "One/Below")
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$Work")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    needs(nats)
    folder = tmp_path_factory.mktemp("rights")
    with nats.NatsServer() as bus, ImapServer(folder, bus.url, {"sharing.enabled": "true"}, build_directory) as started:
        yield started


class Household:
    """Ann, who owns three mailboxes, and Bob and Eve."""

    def __init__(self, server: ImapServer) -> None:
        number = next(_numbers)
        self.people = SharingPeople(server, f"r{number}.example")
        self.people.make_domain(anyone=True)
        self.ann, self.bob, self.eve = (self.people.user(f"{name}{number}") for name in ("ann", "bob", "eve"))
        self.owner = self.log_in(self.ann)
        for name in MAILBOXES:
            self.owner.ok(f"CREATE {name}")
            self.owner.append(MAIL, name)
        self.owner.ok('SETMETADATA Two (/shared/vendor/mailfold/seen "own")')

    def log_in(self, address: str) -> ImapClient:
        client = ImapClient(self.people.server, "")
        client.ok(f'LOGIN {address} "{PASSWORD}"')
        return client

    def foreign(self, name: str) -> str:
        return f'"Other Users/{self.ann}/{name}"'


@pytest.mark.parametrize("seed", range(4))
def test_each_command_needs_its_right(server: ImapServer, seed: int) -> None:
    """A model of RFC 4314 §4 says which commands succeed with random rights, given to several identifiers."""
    chance, home = random.Random(seed), Household(server)
    bob = home.log_in(home.bob)
    for _ in range(12):
        given, common, taken = (
            "".join(chance.sample(ALL_RIGHTS, chance.randint(0, most))) for most in (len(ALL_RIGHTS), 3, 3)
        )
        for identifier, rights in ((home.bob, given), ("anyone", common), (f"-{home.bob}", taken)):
            home.owner.ok(f'SETACL One {identifier} "{rights}"')
        _compare(home, bob, set(given + common) - set(taken))


def _compare(home: Household, bob: ImapClient, rights: set[str]) -> None:
    name = home.foreign("One")
    for command, needed in (
        (f"EXAMINE {name}", "r"),
        (f"STATUS {name} (MESSAGES)", "r"),
        (f"GETQUOTAROOT {name}", "r"),
        (f"GETMETADATA {name} /private/comment", "r"),
        (f"GETACL {name}", "a"),
        (f"LISTRIGHTS {name} anyone", "a"),
    ):
        answer, _ = bob.ask(command)
        assert answer.startswith(b"OK") == (needed in rights), (command, rights, answer)
        assert needed in rights or (b"NOPERM" if "l" in rights else b"NONEXISTENT") in answer, (command, rights, answer)
    shown = bob.ok(f'LIST "" {name}')
    assert bool(shown) == ("l" in rights)
    answer, lines = bob.ask(f"MYRIGHTS {name}")
    ordered = "".join(right for right in ALL_RIGHTS if right in rights)
    assert lines == ([b"* MYRIGHTS %b %b" % (name.encode(), shown_rights(ordered).encode())] if rights else [])
    _compare_selected(home, bob, rights)


def _compare_selected(home: Household, bob: ImapClient, rights: set[str]) -> None:
    if "r" not in rights:
        return
    bob.ok("SELECT INBOX")
    opened, lines = bob.ask(f"SELECT {home.foreign('One')}")
    assert (b"READ-WRITE" in opened) == bool(rights & set("iestw"))
    permanent = next(line for line in lines if b"PERMANENTFLAGS" in line)
    for flag, right in (("\\Seen", "s"), ("\\Deleted", "t"), ("\\Flagged", "w"), ("\\*", "w")):
        assert (flag.encode() in permanent) == (right in rights), (flag, rights, permanent)
    for flag in ("\\Seen", "\\Deleted", "\\Flagged"):
        answer, _ = bob.ask(f"STORE 1 +FLAGS ({flag})")
        assert answer.startswith(b"OK") == (right_for_flag(flag) in rights), (flag, rights, answer)
    bob.ok("UNSELECT")


def test_no_event_exceeds_the_rights_of_its_time(server: ImapServer) -> None:
    """Bob and Eve do what they can while Ann changes their rights; the log shows the rights at each event."""
    home = Household(server)
    threads = [
        threading.Thread(target=_try_everything, args=(home, who, seed))
        for seed, who in enumerate((home.bob, home.eve))
    ]
    for thread in threads:
        thread.start()
    chance = random.Random(7)
    while any(thread.is_alive() for thread in threads):
        rights = "".join(chance.sample(ALL_RIGHTS.replace("a", "").replace("x", ""), chance.randint(0, 9)))
        identifier = chance.choice((home.bob, home.eve, "anyone", f"-{home.eve}"))
        home.owner.ask(f'SETACL {chance.choice(MAILBOXES)} {identifier} "lr{rights}"')
    for thread in threads:
        thread.join()
    assert _exceeding(home) == []


def _try_everything(home: Household, who: str, seed: int) -> None:
    chance, client = random.Random(seed), home.log_in(who)
    for _ in range(220):
        name, flag = home.foreign(chance.choice(MAILBOXES)), chance.choice(FLAGS)
        command = chance.choice(
            (
                f"SELECT {name}",
                f"STORE 1:* +FLAGS ({flag})",
                f"STORE 1:* FLAGS ({flag})",
                "FETCH 1 (BODY[TEXT])",
                "EXPUNGE",
                f"COPY 1 {name}",
                f"MOVE 1 {name}",
                f'CREATE {name[:-1]}/{seed}-{chance.randint(0, 3)}"',
                "MOVE 1 INBOX",
                "APPEND",
            )
        )
        with contextlib.suppress(AssertionError):
            try:
                client.append(MAIL, name, f"({flag})") if command == "APPEND" else client.ask(command)
            except ConnectionError:
                client = home.log_in(who)


def _exceeding(home: Household) -> list[tuple[str, str, str]]:
    """(actor, event, rights) of each event of the owner's stream for which its actor had not the rights."""
    mailstore: Any = home.people.server.app("mailstore")
    owner, accounts = home.people.accounts[home.ann], {}
    for address in (home.bob, home.eve):
        accounts[address.partition("@")[0]] = home.people.accounts[address]
    sql = "SELECT type, schema, data, actor, command FROM event WHERE stream = ? ORDER BY version"
    rows = home.people.server.run(mailstore.store.read(lambda reader: reader.all(sql, (owner,))))
    log, wrong, made_by, others = _Log(), [], "", 0
    users = {account: name for name, account in accounts.items()}
    for kind, schema, data, actor, command in rows:
        event, by = decode(kind, schema, bytes(data)), decode_actor(actor).credential
        others += by in users
        if by in users and not (isinstance(event, MailboxRightsChanged) and command == made_by):
            rights = log.lacking(event, by)
            wrong += [(users[by], f"{kind} {event}", rights)] if rights else []
        made_by = command if isinstance(event, events.MailboxCreated) else made_by
        log.apply(event)
    assert others > 20
    assert any(kind == OwnSeenChanged.stored_name for kind, *_ in rows)
    return wrong


class _Log:
    """The lists and names of the owner's mailboxes, by the events so far."""

    def __init__(self) -> None:
        self._lists: dict[str, dict[str, str]] = {}
        self._names: dict[str, str] = {}

    def apply(self, event: Event) -> None:
        match event:
            case events.AccountOpened(_, mailboxes):
                self._names |= {mailbox.name: mailbox.id for mailbox in mailboxes}
            case events.MailboxCreated(_, mailbox):
                self._names[mailbox.name] = mailbox.id
            case MailboxRightsChanged(_, mailbox, changed):
                self._lists.setdefault(mailbox, {}).update(changed)

    def lacking(self, event: Event, account: str) -> str:
        """The rights that the actor of an event did not have."""
        needs_rights: dict[str, str] = {}
        match event:
            case events.FlagsChanged(_, mailbox, _, _, flags):
                needs_rights[mailbox] = "r" + "".join(map(right_for_flag, flags))
            case OwnSeenChanged(_, mailbox, reader):
                needs_rights[mailbox] = "s" if reader == account else "never"
            case events.MessageAppended(_, mailbox, entries):
                needs_rights[mailbox] = "i" + "".join(right_for_flag(flag) for entry in entries for flag in entry.flags)
            case events.MessagesCopied(_, source, target):
                needs_rights |= {source: "r", target: "i"} if source != target else {source: "ri"}
            case events.MessagesMoved(_, source, target):
                needs_rights |= {source: "rte", target: "i"} if source != target else {source: "rtei"}
            case events.MessagesExpunged(_, mailbox):
                needs_rights[mailbox] = "re"
            case events.MailboxCreated(_, mailbox):
                above = next(self._names[name] for name in reversed(ancestors(mailbox.name)) if name in self._names)
                needs_rights[above] = "k"
            case MailboxRightsChanged(_, mailbox):
                needs_rights[mailbox] = "a"
        held = frozenset((account, "anyone"))
        return "".join(
            right
            for mailbox, rights in needs_rights.items()
            for right in rights
            if right not in rights_for(held, self._lists.get(mailbox, {}))
        )
