"""A client that reconnects with QRESYNC has the server's state, whatever others did and however often it broke off."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.harness.mails import MAIL
from tests.integration.access.disconnected import DisconnectedClient
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer

Connect = Callable[..., ImapClient]
_STEPS = 160
_FLAGS = (b"\\Seen", b"\\Deleted", b"\\Flagged", b"$Work")


class Changes:
    """Random changes by another session, and incoming mail."""

    def __init__(self, server: ImapServer, user: str, other: ImapClient, chance: random.Random) -> None:
        self._server = server
        self._user = user
        self._other = other
        self._chance = chance
        other.ok("SELECT INBOX")

    def step(self) -> None:
        """One change."""
        self._other.ok("NOOP")
        acts = (self._deliver, self._copy, self._copy, self._store, self._expunge, self._expunge, self._move)
        self._chance.choice(acts)()

    def _deliver(self) -> None:
        self._server.deliver(self._user, MAIL)

    def _some(self) -> str:
        uids = list(mailbox_rows(self._server, self._user))
        return str(self._chance.choice(uids)) if uids else "1"

    def _store(self) -> None:
        flag, sign = self._chance.choice(_FLAGS).decode(), self._chance.choice("++-")
        self._other.ask(f"UID STORE {self._some()} {sign}FLAGS.SILENT ({flag})")

    def _expunge(self) -> None:
        self._other.ask(f"UID STORE {self._some()} +FLAGS.SILENT (\\Deleted)")
        self._other.ok("EXPUNGE")

    def _move(self) -> None:
        self._other.ask(f"UID MOVE {self._some()} {self._chance.choice(('Trash', 'INBOX'))}")

    def _copy(self) -> None:
        self._other.ask(f"UID COPY {self._some()} INBOX")


class Habits:
    """What the client under test does between the changes of others."""

    def __init__(self, client: DisconnectedClient, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self._acts = (
            self._fetch,
            self._fetch_by_uid,
            self._store,
            self._store,
            self._store_by_uid,
            self._conditional_store,
            self._search,
            self._expunge,
            self._status,
            self._noop,
            self._idle,
            self._copy,
        )

    def step(self) -> None:
        """One command."""
        self._client.learn()
        self._chance.choice(self._acts)()

    def _uid(self) -> int:
        """0 when the mailbox is empty."""
        return self._chance.choice(sorted(self._client.cache) or [0])

    def _fetch(self) -> None:
        if uid := self._uid():
            self._client.ask(f"FETCH {self._client.number(uid)} (UID FLAGS MODSEQ)")

    def _fetch_by_uid(self) -> None:
        if uid := self._uid():
            self._client.ask(f"UID FETCH {uid}:* (FLAGS MODSEQ)")

    def _store(self) -> None:
        self._change(by_uid=False)

    def _store_by_uid(self) -> None:
        self._change(by_uid=True)

    def _change(self, *, by_uid: bool) -> None:
        if uid := self._uid():
            sign, flag, silent = self._chance.choice("+-"), self._chance.choice(_FLAGS), self._chance.random() < 0.5
            self._client.store(uid, sign, flag, by_uid=by_uid, silent=silent)

    def _conditional_store(self) -> None:
        if uid := self._uid():
            number = self._client.number(uid)
            self._client.ask(f"STORE {number} (UNCHANGEDSINCE {self._client.modseq}) +FLAGS (\\Answered)")

    def _search(self) -> None:
        self._client.ask("SEARCH MODSEQ 1")

    def _expunge(self) -> None:
        self._client.ask("EXPUNGE")

    def _status(self) -> None:
        self._client.ask("STATUS INBOX (HIGHESTMODSEQ MESSAGES)")

    def _noop(self) -> None:
        self._client.ask("NOOP")

    def _idle(self) -> None:
        tag = self._client.client.begin("IDLE")
        self._client.client.send(b"DONE\r\n")
        self._client.finish(tag)

    def _copy(self) -> None:
        if uid := self._uid():
            self._client.ask(f"COPY {self._client.number(uid)} Archive")


@pytest.mark.parametrize("seed", range(6))
def test_the_cache_is_the_truth_after_each_return(server: ImapServer, connect: Connect, user: str, seed: int) -> None:
    """Two sessions change the mailbox at random, and the client's connection breaks at random places."""
    chance = random.Random(seed)
    changes = Changes(server, user, connect(), chance)
    for _ in range(5):
        server.deliver(user, MAIL)
    client = DisconnectedClient(connect)
    habits = Habits(client, chance)
    client.come_back(with_known_uids=False)
    for _ in range(_STEPS):
        (changes if chance.random() < 0.4 else habits).step()
        if chance.random() < 0.15:
            client.drop()
            client.come_back(with_known_uids=chance.random() < 0.5)
            assert client.cache == mailbox_rows(server, user)
    client.drop()
    client.come_back(with_known_uids=False)
    assert client.cache == mailbox_rows(server, user)


@pytest.mark.parametrize("seed", range(2))
def test_others_work_while_the_client_asks(server: ImapServer, connect: Connect, user: str, seed: int) -> None:
    """The same with changes during the client's commands; the states are compared when no change is in progress."""
    chance = random.Random(seed)
    changes = Changes(server, user, connect(), random.Random(seed + 1000))
    client = DisconnectedClient(connect)
    habits = Habits(client, chance)
    client.come_back(with_known_uids=False)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(5):
            others = pool.submit(lambda: [changes.step() for _ in range(30)])
            while not others.done():
                habits.step()
                if chance.random() < 0.1:
                    client.drop()
                    client.come_back(with_known_uids=chance.random() < 0.5)
            others.result()
            client.drop()
            client.come_back(with_known_uids=False)
            assert client.cache == mailbox_rows(server, user)


def mailbox_rows(server: ImapServer, user: str) -> dict[int, frozenset[bytes]]:
    """UIDs and flags as the store has them."""
    view = server.mailstore("ViewMailbox", pb.MailboxNameRequest(account=f"a-{user}", name="INBOX"))
    uids = pb.UidSet(bounds=[bound for page in view.uids for bound in page.bounds])
    request = pb.FetchRequest(account=f"a-{user}", mailbox=view.mailbox.id, uids=uids)
    return {
        uid: frozenset(flag.encode() for flag in batch.flag_sets[flags].flags)
        for batch in server.mailstore_stream("Fetch", request)
        for uid, flags in zip(batch.uids, batch.flags, strict=True)
    }
