"""SEARCH, SORT and THREAD of one mailbox, in Mailfold and in Dovecot; all differences are justified (docs/search.md).

MAILFOLD_TEST_SEARCHES=2000 makes the long run.
"""

from __future__ import annotations

import imaplib
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.harness.conversations import SpokenMail, conversations
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.parts.dovecot import Dovecot
from tests.parts.required import needs

needs(Dovecot)
pytestmark = pytest.mark.timeout(1800)
_SEARCHES = int(os.environ.get("MAILFOLD_TEST_SEARCHES", "200"))
_MESSAGES = 1000
_FIELDS = ("ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "SIZE", "SUBJECT", "TO")
_DATE = re.compile(rb"^Date: [A-Z]", re.MULTILINE)
_ALGORITHMS = ("REFERENCES", "ORDEREDSUBJECT", "REFS")


class Both(NamedTuple):
    """The same messages in both servers, selected in both."""

    ours: imaplib.IMAP4
    theirs: imaplib.IMAP4
    undated: frozenset[str]
    """The UIDs of messages without a date that can be read: Dovecot lets SENTBEFORE find them."""

    def differ(self, *command: str) -> str:
        """How the answers to a UID command differ; empty when they are the same."""
        ours, theirs = (_answer(connection, command) for connection in (self.ours, self.theirs))
        if "SENT" in command[-1]:
            ours, theirs = (
                " ".join(word for word in text.split() if word not in self.undated) for text in (ours, theirs)
            )
        return "" if ours == theirs else f"{' '.join(command)}\n  Mailfold {ours[:400]}\n  Dovecot  {theirs[:400]}"


def _answer(connection: imaplib.IMAP4, command: tuple[str, ...]) -> str:
    connection.untagged_responses.clear()
    status, data = connection.uid(*command)
    return f"{status} {(data[0] or b'').decode() if status == 'OK' else ''}"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A server with an empty mailbox."""
    with Dovecot() as running:
        yield running


@contextmanager
def _both(server: MailfoldServer, ann: Person, dovecot: Dovecot, mails: list[SpokenMail], name: str) -> Iterator[Both]:
    with server.imap(ann) as imap:
        theirs = dovecot.connect()
        for connection in (imap.connection, theirs):
            connection.create(name)
            for mail in mails:
                status, _ = connection.append(name, f"({mail.flags})", mail.arrived, mail.data)
                assert status == "OK"
            assert connection.select(name)[0] == "OK"
        undated = [uid for uid, mail in enumerate(mails, 1) if not _DATE.search(mail.data)]
        yield Both(imap.connection, theirs, frozenset(map(str, undated)))
        theirs.logout()


def _keys(chance: random.Random) -> str:
    makers: list[Callable[[], str]] = [
        lambda: chance.choice(["SEEN", "UNSEEN", "FLAGGED", "ANSWERED", "UNDELETED", "DRAFT", "ALL", "UNANSWERED"]),
        lambda: f"{chance.choice(['KEYWORD', 'UNKEYWORD'])} {chance.choice(['work', 'later', 'never'])}",
        lambda: f"{chance.choice(['BEFORE', 'ON', 'SINCE'])} {chance.randrange(1, 29)}-Mar-2020",
        lambda: f"{chance.choice(['SENTBEFORE', 'SENTON', 'SENTSINCE'])} {chance.randrange(1, 29)}-Feb-2020",
        lambda: f"{chance.choice(['LARGER', 'SMALLER'])} {chance.randrange(200, 900)}",
        lambda: f"{chance.choice(['FROM', 'TO', 'CC'])} {chance.choice(['ann', 'EXAMPLE.ORG', 'zed', 'Adams', 'xyz'])}",
        lambda: f"SUBJECT {chance.choice(['alpha', 'BETA', 're', 'ray', '[list]', '4'])}",
        lambda: f"HEADER {chance.choice(['References', 'X-None', 'In-Reply-To'])} {chance.choice(['m1', 'nowhere'])}",
        lambda: f"BODY {chance.choice(['alpha', 'omega', 'delta'])}",
        lambda: f"TEXT {chance.choice(['gamma', 'mallory', '42'])}",
        lambda: f"UID {chance.randrange(1, 500)}:{chance.choice(['*', str(chance.randrange(400, 900))])}",
        lambda: f"{chance.randrange(1, 500)}:{chance.randrange(500, 1000)},{chance.randrange(1, 1000)}",
        lambda: f"NOT {_keys(chance)}",
        lambda: f"OR {_keys(chance)} {_keys(chance)}",
        lambda: f"({_keys(chance)} {_keys(chance)})",
    ]
    return chance.choice(makers)()


def test_searches(server: MailfoldServer, ann: Person, dovecot: Dovecot) -> None:
    chance = random.Random(3501)
    with _both(server, ann, dovecot, list(conversations(1, _MESSAGES)), "searches") as both:
        differences = [both.differ("SEARCH", "CHARSET", "UTF-8", _keys(chance)) for _ in range(_SEARCHES)]
    assert [*filter(None, differences)] == []


def test_searches_for_other_letters(server: MailfoldServer, ann: Person, dovecot: Dovecot) -> None:
    with _both(server, ann, dovecot, list(conversations(4, 200)), "letters") as both:
        for key in ("SUBJECT", "FROM", "BODY", "TEXT"):
            for word in ("ÄRGER", "zÜr", "übung", "ÇELIK", "ärmel"):
                answers = []
                for connection in (both.ours, both.theirs):
                    connection.literal = word.encode()  # type: ignore[assignment]
                    answers.append(_answer(connection, ("SEARCH", "CHARSET", "UTF-8", key)))
                assert answers[0] == answers[1], (key, word)


def test_sorts(server: MailfoldServer, ann: Person, dovecot: Dovecot) -> None:
    chance = random.Random(5256)
    singles = [f"({reverse}{field})" for field in _FIELDS for reverse in ("", "REVERSE ")]
    with _both(server, ann, dovecot, list(conversations(2, _MESSAGES)), "sorts") as both:
        differences = [both.differ("SORT", criteria, "UTF-8", "ALL") for criteria in singles]
        for _ in range(_SEARCHES // 4):
            fields = [chance.choice(["", "REVERSE "]) + field for field in chance.sample(_FIELDS, 3)]
            differences.append(both.differ("SORT", f"({' '.join(fields)})", "UTF-8", _keys(chance)))
    assert [*filter(None, differences)] == []


@pytest.mark.parametrize("seed", range(3))
def test_threads(server: MailfoldServer, ann: Person, dovecot: Dovecot, seed: int) -> None:
    with _both(server, ann, dovecot, list(conversations(10 + seed, 300)), f"threads{seed}") as both:
        differences = [both.differ("THREAD", algorithm, "UTF-8", "ALL") for algorithm in _ALGORITHMS]
        differences += [both.differ("THREAD", algorithm, "UTF-8", "SEEN") for algorithm in _ALGORITHMS]
    assert [*filter(None, differences)] == []
