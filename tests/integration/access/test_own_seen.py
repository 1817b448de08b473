r"""\Seen that is each user's own in a shared mailbox: what everybody sees, against a model; when it begins and ends."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.directory.app import build as build_directory
from shared.rpc.mailfold.directory.v1 import archives_pb2
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from tests.harness.mails import MAIL
from tests.harness.waiting import until
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.integration.access.sharing_people import SharingPeople
from tests.integration.access.turn_witness import TurnWitness
from tests.parts import nats
from tests.parts.required import needs

_numbers = itertools.count(1)
_ENTRY = "/shared/vendor/mailfold/seen"
_CALLS = 200_000
"""The largest number of function calls in a turn: some 25 ms."""
_RIGHTS, _SEEN = "lrswite", "\\Seen"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    needs(nats)
    folder = tmp_path_factory.mktemp("seen")
    with nats.NatsServer() as bus, ImapServer(folder, bus.url, {"sharing.enabled": "true"}, build_directory) as started:
        yield started


class Readers:
    """Ann, who owns mailboxes, and Bob and Eve, who read them too."""

    def __init__(self, server: ImapServer) -> None:
        number = next(_numbers)
        self.people = SharingPeople(server, f"w{number}.example")
        self.people.make_domain(anyone=True)
        self.addresses = [self.people.user(f"{name}{number}") for name in ("ann", "bob", "eve")]
        self.ann, self.bob, self.eve = self.addresses
        self.owner = self.log_in(self.ann)

    def log_in(self, address: str) -> ImapClient:
        client = ImapClient(self.people.server, "")
        client.ok(f'LOGIN {address} "{PASSWORD}"')
        return client

    def share(self, name: str, rights: str = _RIGHTS, *, own: bool = True, mails: int = 0) -> None:
        self.owner.ok(f"CREATE {name}")
        for _ in range(mails):
            self.owner.append(MAIL, name)
        for address in (self.bob, self.eve):
            self.owner.ok(f"SETACL {name} {address} {rights}")
        if own:
            self.owner.ok(f'SETMETADATA {name} ({_ENTRY} "own")')

    def name_for(self, address: str, name: str) -> str:
        return name if address == self.ann else f'"Other Users/{self.ann}/{name}"'

    def rows(self, sql: str) -> list[Any]:
        mailstore: Any = self.people.server.app("mailstore")
        rows: list[Any] = self.people.server.run(mailstore.store.read(lambda reader: reader.all(sql)))
        return rows

    def differences(self) -> list[str]:
        mailstore: Any = self.people.server.app("mailstore")
        return list(map(str, self.people.server.run(mailstore.store.verify()).differences))


@pytest.fixture
def readers(server: ImapServer) -> Readers:
    return Readers(server)


class Reading:
    """A client that has a mailbox selected, and keeps what it was shown, by UID."""

    def __init__(self, readers: Readers, address: str, name: str) -> None:
        self.client = readers.log_in(address)
        self.address = address
        self.client.ok("ENABLE QRESYNC")
        self.name = readers.name_for(address, name)
        self.client.ok(f"SELECT {self.name}")
        self.flags: dict[int, bool] = {}
        self.modseqs: dict[int, int] = {}
        self.take(self.client.ok("UID FETCH 1:* (FLAGS MODSEQ)"))

    def take(self, lines: list[bytes]) -> list[int]:
        """Note what responses show; returns the UIDs of messages whose flags they show."""
        shown = []
        for line in lines:
            if b" FETCH (" in line and b"FLAGS (" in line:
                uid, flags, modseq = (
                    re.search(rb"UID (\d+)", line),
                    re.search(rb"FLAGS \(([^)]*)\)", line),
                    re.search(rb"MODSEQ \((\d+)\)", line),
                )
                assert uid and flags and modseq, line
                number = int(uid[1])
                assert int(modseq[1]) >= self.modseqs.get(number, 0), "a MODSEQ never falls"
                assert int(modseq[1]) > self.modseqs.get(number, 0) or self.flags[number] == (b"\\Seen" in flags[1])
                self.flags[number], self.modseqs[number] = b"\\Seen" in flags[1], int(modseq[1])
                shown.append(number)
            elif line.startswith(b"* VANISHED"):
                for first, _, last in (part.partition(b":") for part in line.split()[-1].split(b",")):
                    for gone in range(int(first), int(last or first) + 1):
                        self.flags.pop(gone, None)
        return shown

    def resynchronised(self, readers: Readers) -> dict[int, bool]:
        """What a new session that knows the flags up to the last NOOP has after QRESYNC (RFC 7162 §3.2.5)."""
        again = readers.log_in(self.address)
        again.ok("ENABLE QRESYNC")
        lines = again.ok(f"SELECT {self.name} (QRESYNC ({self.uid_validity} {self.known}))")
        self.take(lines)
        changed = {uid for uid, modseq in self.modseqs.items() if modseq > self.known and uid in self.flags}
        other = readers.log_in(self.address)
        other.ok(f"EXAMINE {self.name} (CONDSTORE)")
        listed = other.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {self.known})")
        assert {int(line.split(b"UID ")[1].split()[0]) for line in listed if b"FETCH" in line} == changed
        return self.flags

    def disconnect(self) -> None:
        """Remember up to where everything is known, and end the session."""
        self.do("NOOP")
        (status,) = self.client.ok(f"STATUS {self.name} (HIGHESTMODSEQ UIDVALIDITY)")
        modseq, validity = re.search(rb"HIGHESTMODSEQ (\d+)", status), re.search(rb"UIDVALIDITY (\d+)", status)
        assert modseq and validity
        self.known, self.uid_validity = int(modseq[1]), int(validity[1])

    def do(self, command: str) -> list[bytes]:
        lines = self.client.ok(command)
        self.take(lines)
        return lines

    def searched(self, keys: str) -> set[int]:
        (line,) = [line for line in self.client.ok(f"UID SEARCH RETURN (ALL) {keys}") if b"ESEARCH" in line]
        found = re.search(rb"ALL ([0-9:,]+)", line)
        parts = [part.partition(b":") for part in found[1].split(b",")] if found else []
        return {uid for first, _, last in parts for uid in range(int(first), int(last or first) + 1)}


def test_each_user_has_his_own(readers: Readers) -> None:
    readers.share("Box", mails=3)
    readers.owner.append(MAIL, "Box", "(\\Seen) ")
    ann, bob, eve = (Reading(readers, address, "Box") for address in readers.addresses)
    assert [sum(who.flags.values()) for who in (ann, bob, eve)] == [1, 0, 0]
    bob.do("UID FETCH 2 (MODSEQ BODY[TEXT])")
    assert bob.flags == {1: False, 2: True, 3: False, 4: False}
    assert ann.do("NOOP") == [] and eve.do("NOOP") == [], "others are not notified"
    eve.do("UID STORE 1:3 +FLAGS (\\Seen \\Flagged)")
    assert [line for line in bob.do("NOOP") if b"\\Flagged" in line]
    assert (ann.searched("SEEN"), bob.searched("SEEN"), eve.searched("SEEN")) == ({4}, {2}, {1, 2, 3})
    assert (ann.searched("UNSEEN"), bob.searched("UNSEEN"), eve.searched("UNSEEN")) == ({1, 2, 3}, {1, 3, 4}, {4})
    for who, unseen in ((ann, 3), (bob, 3), (eve, 1)):
        other = readers.log_in(who.address)
        assert other.ok(f"STATUS {who.name} (UNSEEN)")[0].endswith(b"(UNSEEN %d)" % unseen)
    opened = readers.log_in(readers.eve).ok(f"EXAMINE {eve.name}")
    assert any(b"[UNSEEN 4]" in line for line in opened)
    assert readers.differences() == []


def test_a_conditional_store_looks_at_the_own_seen(readers: Readers) -> None:
    readers.share("Box", mails=2)
    bob, again = Reading(readers, readers.bob, "Box"), Reading(readers, readers.bob, "Box")
    since = max(bob.modseqs.values())
    again.do("UID STORE 1 +FLAGS (\\Seen)")
    for flags in ("\\Flagged", "\\Seen \\Flagged"):
        answer, _ = bob.client.ask(f"UID STORE 1:2 (UNCHANGEDSINCE {since}) +FLAGS ({flags})")
        assert answer.startswith(b"OK [MODIFIED 1]"), answer
        bob.do(f"UID STORE 2 -FLAGS ({flags})")
        since = max(bob.modseqs[2], since)
        again.do("UID STORE 1 -FLAGS (\\Seen)")
        again.do("UID STORE 1 +FLAGS (\\Seen)")


def test_search_and_sort_by_modseq_name_the_own_changes(readers: Readers) -> None:
    readers.share("Box", mails=4)
    bob = Reading(readers, readers.bob, "Box")
    since = max(bob.modseqs.values()) + 1
    bob.do("UID STORE 2,4 +FLAGS (\\Seen)")
    assert bob.searched(f"MODSEQ {since}") == {2, 4}
    assert bob.searched(f"NOT MODSEQ {since}") == {1, 3}
    assert bob.searched("OR (SEEN SUBJECT Tea) UID 1") == bob.searched("OR SEEN UID 1") == {1, 2, 4}
    assert bob.searched("OR (UNSEEN NOT UID 1) SUBJECT Coffee") == {3}
    (line,) = bob.client.ok(f"SEARCH MODSEQ {since}")
    assert line.endswith(b"(MODSEQ %d)" % bob.modseqs[4])
    assert bob.client.ok("UID SORT (ARRIVAL) UTF-8 UNSEEN")[0].startswith(b"* SORT 1 3")
    assert bob.client.ok("UID THREAD REFERENCES UTF-8 SEEN") == [b"* THREAD ((2)(4))"]
    eve = Reading(readers, readers.eve, "Box")
    assert eve.searched(f"MODSEQ {since}") == set()


@pytest.mark.parametrize("seed", range(2))
def test_everybody_sees_what_a_model_says(readers: Readers, seed: int) -> None:
    """Random commands of three users; each is shown exactly his own flags, in any way of asking and by notification."""
    chance = random.Random(seed)
    for name in ("Box", "Other"):
        readers.share(name, mails=8)
    states: dict[str, dict[str, dict[int, bool]]] = {
        name: {address: dict.fromkeys(range(1, 9), False) for address in readers.addresses} for name in ("Box", "Other")
    }
    following = {"Box": 9, "Other": 9}
    views = {(who, name): Reading(readers, who, name) for who in readers.addresses for name in ("Box", "Other")}
    gone: list[Reading] = []
    for step in range(60):
        if step == 30:
            gone = [Reading(readers, who, name) for who, name in views]
            for reading in gone:
                reading.disconnect()
        who, name = chance.choice(readers.addresses), chance.choice(("Box", "Other"))
        view, state = views[who, name], states[name]
        view.do("NOOP")
        there = sorted(state[who])
        chosen = sorted(chance.sample(there, min(len(there), chance.randint(1, 3))))
        uids = ",".join(map(str, chosen))
        match (
            chance.choice(("add", "remove", "replace", "fetch", "append", "copy", "move", "expunge"))
            if there
            else "append"
        ):
            case "add" | "remove" as mode:
                view.do(f"UID STORE {uids} {'+' if mode == 'add' else '-'}FLAGS (\\Seen)")
                state[who] |= dict.fromkeys(chosen, mode == "add")
            case "replace":
                is_seen = chance.random() < 0.5
                view.do(f"UID STORE {uids} FLAGS ({_SEEN if is_seen else ''} \\Flagged)".replace("( ", "("))
                state[who] |= dict.fromkeys(chosen, is_seen)
            case "fetch":
                view.do(f"UID FETCH {uids} (MODSEQ BODY[TEXT])")
                state[who] |= dict.fromkeys(chosen, True)
            case "append":
                is_seen = chance.random() < 0.5
                view.client.append(MAIL, view.name, "(\\Seen) " if is_seen else "")
                for address in readers.addresses:
                    state[address][following[name]] = is_seen and address == who
                following[name] += 1
            case "copy" | "move" as kind:
                goal = chance.choice(("Box", "Other")) if kind == "copy" else "Other" if name == "Box" else "Box"
                view.do(f"UID {kind.upper()} {uids} {readers.name_for(who, goal)}")
                for uid in chosen:
                    for address in readers.addresses:
                        states[goal][address][following[goal]] = state[address][uid]
                        if kind == "move":
                            del state[address][uid]
                    following[goal] += 1
            case "expunge":
                view.do(f"UID STORE {chosen[0]} +FLAGS.SILENT (\\Deleted)")
                view.do(f"UID EXPUNGE {chosen[0]}")
                for address in readers.addresses:
                    del state[address][chosen[0]]
    for (who, name), reading in zip(views, gone, strict=True):
        assert reading.resynchronised(readers) == states[name][who]
    for (who, name), view in views.items():
        view.do("NOOP")
        expected = states[name][who]
        known = {uid: seen for uid, seen in view.flags.items() if uid in expected}
        assert {uid for uid in known if known[uid] != expected[uid]} == set(), "what was notified"
        fresh = Reading(readers, who, name)
        assert fresh.flags == expected
        seen = {uid for uid, is_seen in expected.items() if is_seen}
        assert fresh.searched("SEEN") == seen
        assert fresh.searched("UNSEEN") == expected.keys() - seen
        unseen = readers.log_in(who).ok(f"STATUS {fresh.name} (UNSEEN)")
        assert unseen[0].endswith(b"(UNSEEN %d)" % (len(expected) - len(seen)))
    assert readers.differences() == []


def test_what_was_read_before_stays_read_and_the_end_is_notified(readers: Readers) -> None:
    readers.share("Box", own=False, mails=4)
    readers.owner.ok("SELECT Box")
    readers.owner.ok("STORE 1:2 +FLAGS (\\Seen)")
    bob = Reading(readers, readers.bob, "Box")
    assert bob.flags == {1: True, 2: True, 3: False, 4: False}
    readers.owner.ok(f'SETMETADATA Box ({_ENTRY} "own")')
    assert bob.do("NOOP") == []
    bob.do("UID STORE 2 -FLAGS (\\Seen)")
    bob.do("UID STORE 3 +FLAGS (\\Seen)")
    assert bob.searched("SEEN") == {1, 3}
    eve = Reading(readers, readers.eve, "Box")
    assert eve.flags == {1: True, 2: True, 3: False, 4: False}
    readers.owner.ok(f"SETMETADATA Box ({_ENTRY} NIL)")
    bob.do("NOOP")
    assert bob.flags == {1: True, 2: True, 3: False, 4: False}
    eve.do("UID STORE 4 +FLAGS (\\Seen)")
    bob.do("NOOP")
    assert bob.flags[4]
    owner = readers.people.accounts[readers.ann]
    assert readers.rows(f"SELECT 1 FROM own_seen_reader WHERE account = '{owner}'") == []
    assert readers.differences() == []


def test_between_mailboxes_of_both_kinds(readers: Readers) -> None:
    """What the user saw as read arrives as read for him, whatever kind the other mailbox is."""
    readers.share("Own", mails=2)
    readers.share("Common", own=False, mails=2)
    bob = Reading(readers, readers.bob, "Own")
    bob.do("UID STORE 1 +FLAGS (\\Seen)")
    bob.do(f"UID COPY 1:2 {readers.name_for(readers.bob, 'Common')}")
    bob.do("UID COPY 1:2 INBOX")
    common, inbox = Reading(readers, readers.bob, "Common"), readers.log_in(readers.bob)
    assert common.flags == {1: False, 2: False, 3: True, 4: False}
    inbox.ok("SELECT INBOX")
    assert inbox.ok("SEARCH SEEN") == [b"* SEARCH 1"]
    common.do(f"UID MOVE 3:4 {readers.name_for(readers.bob, 'Own')}")
    inbox.ok(f"MOVE 1 {readers.name_for(readers.bob, 'Own')}")
    assert Reading(readers, readers.bob, "Own").searched("SEEN") == {1, 3, 5}
    assert Reading(readers, readers.ann, "Own").searched("SEEN") == {3}
    assert Reading(readers, readers.eve, "Own").searched("SEEN") == set()


def test_what_replaces_a_message_is_read_by_its_author_alone(readers: Readers) -> None:
    readers.share("Box", mails=1)
    name = readers.name_for(readers.bob, "Box")
    bob = readers.log_in(readers.bob)
    bob.append(MAIL)
    for mailbox in (name, "INBOX"):
        bob.ok(f"SELECT {mailbox}")
        tag = bob.begin(f"REPLACE 1 {name} (\\Seen) {{{len(MAIL)}+}}\r\n{MAIL.decode()}")
        assert bob.finish(tag)[0].startswith(b"OK")
    for address, seen in ((readers.ann, set[int]()), (readers.bob, {2, 3}), (readers.eve, set[int]())):
        assert Reading(readers, address, "Box").searched("SEEN") == seen
    assert readers.differences() == []


def test_rights_and_the_answer_to_select(readers: Readers) -> None:
    r"""`s` keeps the own \Seen, and is no shared flag: READ-ONLY, with \Seen in PERMANENTFLAGS (RFC 4314 §5.2)."""
    readers.share("Box", "lrs", mails=1)
    bob = readers.log_in(readers.bob)
    answer, lines = bob.ask(f"SELECT {readers.name_for(readers.bob, 'Box')}")
    assert b"READ-ONLY" in answer
    assert any(b"[PERMANENTFLAGS (\\Seen)]" in line for line in lines)
    bob.ok("STORE 1 +FLAGS (\\Seen)")
    assert bob.ask("STORE 1 +FLAGS (\\Flagged)")[0].startswith(b"NO [NOPERM]")
    readers.owner.ok(f"SETACL Box {readers.bob} lr")
    bob.ok("NOOP")
    assert bob.ask("STORE 1 -FLAGS (\\Seen)")[0].startswith(b"NO [NOPERM]")
    assert b"FLAGS" not in bob.ok("FETCH 1 (BODY[TEXT])")[0]
    assert bob.ok("SEARCH SEEN") == [b"* SEARCH 1"]


def test_only_the_owner_switches(readers: Readers) -> None:
    readers.share("Box", own=False)
    bob = readers.log_in(readers.bob)
    name = readers.name_for(readers.bob, "Box")
    assert bob.ask(f'SETMETADATA {name} ({_ENTRY} "own")')[0].startswith(b"NO [NOPERM]")
    for wrong in ('"yes"', '""'):
        assert readers.owner.ask(f"SETMETADATA Box ({_ENTRY} {wrong})")[0].startswith(b"NO [CANNOT]")
    readers.owner.ok(f'SETMETADATA Box ({_ENTRY} "own")')
    assert bob.ok(f"GETMETADATA {name} {_ENTRY}") == [b'* METADATA %b (%b "own")' % (name.encode(), _ENTRY.encode())]


def test_a_mailbox_below_is_of_the_same_kind(readers: Readers) -> None:
    readers.share("Box", "lrswitek")
    bob = readers.log_in(readers.bob)
    below = f'"Other Users/{readers.ann}/Box/Below"'
    bob.ok(f"CREATE {below}")
    bob.append(MAIL, below, "(\\Seen) ")
    assert bob.ok(f"STATUS {below} (UNSEEN)")[0].endswith(b"(UNSEEN 0)")
    assert readers.owner.ok("STATUS Box/Below (UNSEEN)")[0].endswith(b"(UNSEEN 1)")


@pytest.mark.parametrize(("who", "column"), [("bob", "reader"), ("ann", "account")])
def test_the_seen_of_a_deleted_account_ends(readers: Readers, who: str, column: str) -> None:
    readers.share("Box", mails=1)
    bob = Reading(readers, readers.bob, "Box")
    bob.do("UID STORE 1 +FLAGS (\\Seen)")
    address = getattr(readers, who)
    asked = f"SELECT 1 FROM own_seen_reader WHERE {column} = '{readers.people.accounts[address]}'"
    assert readers.rows(asked)
    removal = archives_pb2.RemoveAccountRequest(account=address, fate=archives_pb2.RemoveAccountRequest.DELETE)
    readers.people.ask(ArchivesStub, "RemoveAccount", removal)
    until(lambda: readers.rows(asked) == [], "the rows end")
    assert readers.differences() == []


def test_a_deleted_mailbox_leaves_nothing(readers: Readers) -> None:
    readers.share("Box", mails=2)
    bob = Reading(readers, readers.bob, "Box")
    bob.do("UID STORE 1 +FLAGS (\\Seen \\Deleted)")
    bob.do("EXPUNGE")
    readers.owner.ok("DELETE Box")
    owner = readers.people.accounts[readers.ann]
    assert readers.rows(f"SELECT 1 FROM own_seen_reader WHERE account = '{owner}'") == []
    for table in ("own_seen", "own_seen_gone"):
        assert readers.rows(f"SELECT 1 FROM {table} WHERE mailbox NOT IN (SELECT id FROM mailbox)") == []
    assert readers.differences() == []


def test_a_setting_makes_it_the_default_of_new_shares(tmp_path: Path) -> None:
    needs(nats)
    settings = {"sharing.enabled": "true", "mailstore.own_seen": "true"}
    with nats.NatsServer() as bus, ImapServer(tmp_path, bus.url, settings, build_directory) as server:
        readers = Readers(server)
        for name, unseen in (("Board", 1), ("Team", 0)):
            readers.owner.ok(f"CREATE {name}")
            if name == "Team":
                readers.owner.ok(f'SETMETADATA Team ({_ENTRY} "shared")')
            readers.owner.append(MAIL, name)
            readers.owner.ok(f"SETACL {name} {readers.bob} lrs")
            bob = Reading(readers, readers.bob, name)
            bob.do("UID STORE 1 +FLAGS (\\Seen)")
            assert readers.owner.ok(f"STATUS {name} (UNSEEN)")[0].endswith(b"(UNSEEN %d)" % unseen)
        assert readers.differences() == []


def test_notify_counts_for_who_asks(readers: Readers) -> None:
    readers.share("Box", mails=2)
    bob, watching = Reading(readers, readers.bob, "Box"), readers.log_in(readers.bob)
    events = "(MessageNew MessageExpunge FlagChange)"
    states = watching.ok(f'NOTIFY SET STATUS (subtree "Other Users" {events})')
    assert b"UNSEEN 2" in states[0]
    bob.do("UID STORE 1 +FLAGS (\\Seen)")
    assert b"UNSEEN 1" in watching.line()


def test_no_turn_is_long_in_a_large_mailbox(readers: Readers) -> None:
    """Thousands of ranges of one reader: everything that reads or changes them goes on in small pieces."""
    readers.share("Box")
    for _ in range(10):
        literals = b" {1+}\r\nx" * 200
        tag = readers.owner.begin("APPEND Box" + literals.decode())
        assert readers.owner.finish(tag)[0].startswith(b"OK")
    bob, eve = readers.log_in(readers.bob), readers.log_in(readers.eve)
    name = readers.name_for(readers.bob, "Box")
    with TurnWitness(readers.people.server.loop) as witness:
        for reader in (bob, eve):
            reader.ok(f"SELECT {name} (CONDSTORE)")
        for first in range(1, 2000, 500):
            bob.ok(f"STORE {','.join(map(str, range(first, first + 500, 2)))} +FLAGS.SILENT (\\Seen)")
        assert len(bob.ok("FETCH 1:* (FLAGS)")) == 2000
        assert bob.ok("SEARCH RETURN (COUNT) SEEN")[0].endswith(b"COUNT 1000")
        readers.owner.ok("SELECT Box")
        readers.owner.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)")
        assert len([line for line in bob.ok("NOOP") if b"FETCH" in line]) == 2000
        readers.owner.ok("STORE 1:1000 +FLAGS.SILENT (\\Deleted)")
        readers.owner.ok("EXPUNGE")
        assert readers.log_in(readers.bob).ok(f"STATUS {name} (UNSEEN)")[0].endswith(b"(UNSEEN 500)")
        readers.owner.ok(f"SETMETADATA Box ({_ENTRY} NIL)")
        bob.ok("NOOP")
        assert bob.ok("SEARCH RETURN (COUNT) SEEN")[0].endswith(b"COUNT 0")
    assert witness.most <= _CALLS
    assert readers.differences() == []
