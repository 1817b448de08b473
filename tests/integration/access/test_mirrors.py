"""Two sessions send random commands; in the end each knows the mailbox as the store has it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.harness.mails import MAIL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.integration.access.mirror import Mirror

Connect = Callable[..., ImapClient]
_STEPS = 150
_FLAGS = ("\\Seen", "\\Deleted", "\\Flagged", "$Work")


class Storm:
    """Random commands of two sessions, and incoming mail."""

    def __init__(self, server: ImapServer, user: str, mirrors: list[Mirror], seed: int) -> None:
        self._server = server
        self._user = user
        self._mirrors = mirrors
        self._chance = random.Random(seed)
        self._acts = [
            self._deliver,
            self._append,
            self._store,
            self._store,
            self._store,
            self._expunge,
            self._move,
            self._copy,
            self._noop,
            self._fetch,
            self._search,
            self._idle,
            self._come_back,
        ]

    def step(self) -> None:
        """One random command of one session."""
        mirror = self._chance.choice(self._mirrors)
        mirror.learn()
        self._chance.choice(self._acts)(mirror)

    def _number(self, mirror: Mirror) -> int:
        return self._chance.randint(1, len(mirror.messages)) if mirror.messages else 0

    def _deliver(self, mirror: Mirror) -> None:
        self._server.deliver(self._user, MAIL)

    def _append(self, mirror: Mirror) -> None:
        mirror.append(MAIL, "INBOX")

    def _store(self, mirror: Mirror) -> None:
        if number := self._number(mirror):
            mirror.store(
                number, self._chance.choice("+-"), self._chance.choice(_FLAGS), silent=self._chance.random() < 0.5
            )

    def _expunge(self, mirror: Mirror) -> None:
        assert mirror.ask("EXPUNGE").startswith(b"OK")

    def _move(self, mirror: Mirror) -> None:
        if number := self._number(mirror):
            mirror.ask(f"MOVE {number} {self._chance.choice(('Trash', 'Trash', 'INBOX'))}")

    def _copy(self, mirror: Mirror) -> None:
        if number := self._number(mirror):
            mirror.ask(f"COPY {number} INBOX")

    def _noop(self, mirror: Mirror) -> None:
        mirror.ask("NOOP")

    def _fetch(self, mirror: Mirror) -> None:
        if number := self._number(mirror):
            mirror.ask(f"FETCH {number} (FLAGS BODY[TEXT])")

    def _search(self, mirror: Mirror) -> None:
        mirror.ask("UID SEARCH SEEN")

    def _idle(self, mirror: Mirror) -> None:
        tag = mirror.client.begin("IDLE")
        mirror.client.send(b"DONE\r\n")
        _, reported = mirror.client.finish(tag)
        mirror.take(reported)

    def _come_back(self, mirror: Mirror) -> None:
        mirror.select("INBOX")


@pytest.mark.parametrize("qresync", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_views_agree_with_the_store(server: ImapServer, connect: Connect, user: str, seed: int, qresync: bool) -> None:
    mirrors = [Mirror(connect()), Mirror(connect())]
    if qresync:
        mirrors[0].client.ok("ENABLE QRESYNC")
    for mirror in mirrors:
        mirror.select("INBOX")
    storm = Storm(server, user, mirrors, seed)
    for _ in range(_STEPS):
        storm.step()
    truth = mailbox_rows(server, user)
    for mirror in mirrors:
        mirror.ask("NOOP")
        mirror.learn()
        # A doorbell may arrive only after a few NOOPs.
        for _ in range(1000):
            if [message.uid for message in mirror.messages] == list(truth):
                break
            mirror.ask("NOOP")
            mirror.learn()
        assert {message.uid: message.flags for message in mirror.messages} == truth
    # RFC 3501 §2.3.2: a message is recent in one session alone.
    assert not mirrors[0].recent & mirrors[1].recent


def mailbox_rows(server: ImapServer, user: str) -> dict[int, frozenset[bytes]]:
    """UIDs and flags as the store has them."""
    view = server.mailstore("ViewMailbox", pb.MailboxNameRequest(account=f"a-{user}", name="INBOX"))
    uids = pb.UidSet(bounds=[bound for page in view.uids for bound in page.bounds])
    request = pb.FetchRequest(account=f"a-{user}", mailbox=view.mailbox.id, uids=uids)
    batches = server.mailstore_stream("Fetch", request)
    return {
        uid: frozenset(flag.encode() for flag in batch.flag_sets[flags].flags)
        for batch in batches
        for uid, flags in zip(batch.uids, batch.flags, strict=True)
    }
