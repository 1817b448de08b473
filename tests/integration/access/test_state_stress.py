"""Several sessions send random commands; every response must fit the model of its session, in every mode.

`MAILFOLD_STRESS_STEPS` and `MAILFOLD_STRESS_SEEDS` make longer runs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.harness.mails import MAIL, PARCEL
from tests.integration.access.imap_client import ImapClient
from tests.integration.access.imap_server import ImapServer
from tests.integration.access.tracked_session import Mode, TrackedSession

Connect = Callable[..., ImapClient]
_STEPS = int(os.environ.get("MAILFOLD_STRESS_STEPS", "200"))
_SEEDS = int(os.environ.get("MAILFOLD_STRESS_SEEDS", "2"))
_SESSIONS = 3
_FLAGS = ("\\Seen", "\\Deleted", "\\Flagged", "\\Answered", "$Work", "Odd")
_MAILBOXES = ("INBOX", "Trash", "Archive")


class StateStorm:
    """Random commands of all sessions, and incoming mail."""

    def __init__(self, server: ImapServer, user: str, sessions: list[TrackedSession], seed: int) -> None:
        self._server = server
        self._user = user
        self._sessions = sessions
        self._chance = random.Random(seed)
        self.acts = [
            self._deliver,
            self._append,
            *[self._store] * 3,
            self._uid_store,
            self._expunge,
            self._uid_expunge,
            self._move,
            self._copy,
            self._noop,
            *[self._fetch] * 2,
            *[self._search] * 2,
            self._uid_search,
            self._sort,
            self._partial,
            self._idle,
            self._pipeline,
            self._status,
            self._select,
            self._come_back,
            self._condition,
        ]

    def step(self) -> None:
        """One random command of one session."""
        session = self._chance.choice(self._sessions)
        session.learn()
        self._chance.choice(self.acts)(session)

    def _set(self, session: TrackedSession) -> str:
        count = len(session.messages)
        first = self._chance.randint(1, count)
        return self._chance.choice(
            (f"{first}", f"{first}:*", f"1,{first}", f"{first}:{self._chance.randint(1, count)}")
        )

    def _uids(self, session: TrackedSession) -> str:
        known = [message.uid for message in session.messages if message.uid]
        return ",".join(map(str, self._chance.sample(known, min(len(known), 3)))) or "1"

    def _deliver(self, _session: TrackedSession) -> None:
        self._server.deliver(self._user, self._chance.choice((MAIL, PARCEL)))

    def _append(self, session: TrackedSession) -> None:
        session.take(session.client.append(MAIL, self._chance.choice(_MAILBOXES), "(\\Flagged) "))

    def _store(self, session: TrackedSession) -> None:
        if session.messages:
            number = self._chance.randint(1, len(session.messages))
            session.store(
                number, self._chance.choice("+-"), self._chance.choice(_FLAGS), silent=self._chance.random() < 0.5
            )

    def _uid_store(self, session: TrackedSession) -> None:
        mode = self._chance.choice(("", "+", "-"))
        answer = session.ask(f"UID STORE {self._uids(session)} {mode}FLAGS ({self._chance.choice(_FLAGS)})")
        assert answer.startswith(b"OK"), answer

    def _condition(self, session: TrackedSession) -> None:
        if session.remembers and session.messages:
            answer = session.ask(f"STORE {self._set(session)} (UNCHANGEDSINCE {session.highest}) +FLAGS (\\Seen)")
            assert answer.startswith((b"OK", b"NO [EXPUNGEISSUED]")), answer

    def _expunge(self, session: TrackedSession) -> None:
        assert session.ask("EXPUNGE").startswith(b"OK")

    def _uid_expunge(self, session: TrackedSession) -> None:
        assert session.ask(f"UID EXPUNGE {self._uids(session)}").startswith(b"OK")

    def _move(self, session: TrackedSession) -> None:
        if session.messages:
            target = self._chance.choice(_MAILBOXES)
            answer = session.ask(f"MOVE {self._set(session)} {target}")
            assert answer.startswith((b"OK", b"NO [EXPUNGEISSUED]")), answer

    def _copy(self, session: TrackedSession) -> None:
        if session.messages and len(session.messages) < 60:
            answer = session.ask(f"COPY {self._set(session)} {self._chance.choice(_MAILBOXES)}")
            assert answer.startswith((b"OK", b"NO [EXPUNGEISSUED]")), answer

    def _noop(self, session: TrackedSession) -> None:
        assert session.ask("NOOP").startswith(b"OK")

    def _fetch(self, session: TrackedSession) -> None:
        if session.messages:
            items = self._chance.choice(("(FLAGS)", "(UID BODY[TEXT])", "(UID FLAGS ENVELOPE)", "FULL", "(UID)"))
            answer = session.ask(f"FETCH {self._set(session)} {items}")
            assert answer.startswith((b"OK", b"NO [EXPUNGEISSUED]")), answer

    def _search(self, session: TrackedSession) -> None:
        found = session.search(self._chance.choice(("SEARCH ALL", "SEARCH SEEN", "SEARCH NOT KEYWORD $Work")))
        assert all(1 <= number <= len(session.messages) for number in found)
        assert found == sorted(set(found))

    def _uid_search(self, session: TrackedSession) -> None:
        found = session.search("UID SEARCH ALL")
        session.learn()
        known = {message.uid for message in session.messages}
        assert set(found) <= known | {None}, f"{found} are not among {known}"

    def _sort(self, session: TrackedSession) -> None:
        assert session.ask("UID SORT (REVERSE ARRIVAL) UTF-8 ALL").startswith(b"OK")
        assert session.ask("UID THREAD REFERENCES UTF-8 ALL").startswith(b"OK")

    def _partial(self, session: TrackedSession) -> None:
        session.learn()
        known = [message.uid for message in session.messages]
        answer, reported = session.client.ask("UID FETCH 1:* (UID) (PARTIAL -1:-3)")
        shown = [
            int(line.split()[-1].rstrip(b")")) for line in reported if b" FETCH (UID " in line and b"FLAGS" not in line
        ]
        assert answer.startswith(b"OK") and len(shown) == len(known[-3:]), (shown, known)
        # A message that came while the session learned has no known UID yet.
        assert all(uid in (expected, None) for uid, expected in zip(known[-3:], shown, strict=True)), (shown, known)
        session.take(reported)

    def _idle(self, session: TrackedSession) -> None:
        tag = session.client.begin("IDLE")
        session.client.send(b"DONE\r\n")
        _, reported = session.client.finish(tag)
        session.take(reported)

    def _pipeline(self, session: TrackedSession) -> None:
        """Commands that a client may send together, because none changes the numbers that another uses."""
        commands = [f"UID FETCH {self._uids(session)} (FLAGS)", "NOOP", f"UID STORE {self._uids(session)} +FLAGS (Odd)"]
        tags = [session.client.begin(command) for command in commands]
        for tag in tags:
            answer, reported = session.client.finish(tag)
            session.take(reported)
            assert answer.startswith(b"OK"), answer

    def _status(self, session: TrackedSession) -> None:
        assert session.ask(f"STATUS {self._chance.choice(_MAILBOXES)} (MESSAGES UIDNEXT UNSEEN)").startswith(b"OK")

    def _select(self, session: TrackedSession) -> None:
        session.select(self._chance.choice(_MAILBOXES))

    def _come_back(self, session: TrackedSession) -> None:
        if session.remembers:
            session.come_back()
        else:
            session.select(session.name)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("seed", range(_SEEDS))
def test_every_response_fits_the_model(server: ImapServer, connect: Connect, user: str, mode: Mode, seed: int) -> None:
    sessions = [TrackedSession.begin(connect(), mode) for _ in range(_SESSIONS)]
    for session in sessions:
        session.select("INBOX")
    storm = StateStorm(server, user, sessions, seed)
    for _ in range(_STEPS):
        storm.step()
    for session in sessions:
        truth = rows_of(server, user, session.name)
        for _ in range(1000):  # a doorbell may arrive only after a few NOOPs
            session.ask("NOOP")
            session.learn()
            if [message.uid for message in session.messages] == list(truth):
                break
        assert {message.uid: message.flags for message in session.messages} == truth


def rows_of(server: ImapServer, user: str, mailbox: str) -> dict[int, frozenset[bytes]]:
    """UIDs and flags as the store has them."""
    view = server.mailstore("ViewMailbox", pb.MailboxNameRequest(account=f"a-{user}", name=mailbox))
    uids = pb.UidSet(bounds=[bound for page in view.uids for bound in page.bounds])
    request = pb.FetchRequest(account=f"a-{user}", mailbox=view.mailbox.id, uids=uids)
    return {
        uid: frozenset(flag.encode() for flag in batch.flag_sets[flags].flags)
        for batch in server.mailstore_stream("Fetch", request)
        for uid, flags in zip(batch.uids, batch.flags, strict=True)
    }
