"""Tests the spam filter of a whole server on a public corpus: taught by IMAP moves, judging mail from SMTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shared.rpc.mailfold.classifier.v1.classifier_pb2 import RebuildModelRequest
from shared.rpc.mailfold.classifier.v1.classifier_pb2_grpc import ClassifierStub
from tests.corpus.spam_corpus import ARCHIVE, RenderedMail, mails, split
from tests.e2e.received import fields
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.shown import Show
from tests.harness.smtp import Refused
from tests.harness.waiting import until
from tests.harness.zone import SILENT
from tests.parts import nats
from tests.parts.required import needs

SEED = 2026
FEW, MANY = 50, 500
"""Numbers of lessons of each label."""
SAMPLES = {FEW: (300, 300), MANY: (3610, 1229)}
"""Ham and spam outside the lessons, sent after so many lessons: the first ones of the split's rest."""
CONNECTIONS = 16
SENDER = f"carl@{SILENT}"


class Arrived(NamedTuple):
    """Mail of one label, sent to an account that gets nothing else.

    Queue ids in the order of the mails; None for a refused one.
    """

    person: Person
    sent: Sequence[tuple[RenderedMail, str]]
    refused: Sequence[str]
    inbox: int
    spam: int


class Figures(NamedTuple):
    """What happened to new mail after so many lessons of each label."""

    taught: int
    ham: Arrived
    spam: Arrived
    seconds: float

    @property
    def ham_in_spam(self) -> float:
        """Percent of the ham."""
        return 100 * self.ham.spam / len(self.ham.sent)

    @property
    def spam_in_inbox(self) -> float:
        """Percent of the spam."""
        return 100 * self.spam.inbox / len(self.spam.sent)

    def __str__(self) -> str:
        return (
            f"taught {self.taught}+{self.taught} by moves, on {len(self.ham.sent)} ham + {len(self.spam.sent)} spam: "
            f"ham in Spam {self.ham_in_spam:.2f} %, "
            f"spam in INBOX {self.spam_in_inbox:.2f} %, {len(self.ham.refused) + len(self.spam.refused)} refused, "
            f"{self.seconds:.1f} s"
        )


class Classroom:
    """One account teaches; mail of each label goes to accounts that get nothing else."""

    def __init__(self, server: MailfoldServer, corpus: Sequence[RenderedMail]) -> None:
        self.server = server
        self.teacher = server.people.person("ann")
        self.lessons, self.unseen = split(corpus, MANY, SEED)
        self._taught = 0

    def teach(self, count: int) -> None:
        """Teach until there are so many lessons of each label: move spam from INBOX to Spam, and ham from Spam to
        INBOX."""
        some = self.lessons[2 * self._taught : 2 * count]
        with self.server.imap(self.teacher) as imap:
            first = {"INBOX": imap.count("INBOX") + 1, "Spam": imap.count("Spam") + 1}
            for entry in some:
                imap.append("INBOX" if entry.is_spam else "Spam", entry.body)
            for source, target in (("INBOX", "Spam"), ("Spam", "INBOX")):
                imap.select(source)
                imap.command(b"MOVE %d:%d %s" % (first[source], first[source] + len(some) // 2 - 1, target.encode()))
        self._taught = count
        self.wait_for(count, count)

    def wait_for(self, spam: int, ham: int) -> None:
        """Wait until the filter has learnt exactly so many, and has been trained with them."""
        until(lambda: self.seen() == (spam, ham), f"{spam} spam and {ham} ham learnt", 60)
        self.server.contracts.ask("classifier", ClassifierStub, "RebuildModel", RebuildModelRequest())
        assert self.seen() == (spam, ham)

    def seen(self) -> tuple[int, int]:
        """The numbers of spam and ham that the filter has learnt."""
        learning = self.server.contracts.learning()
        return learning.spam_seen, learning.ham_seen

    def verdict(self, entry: RenderedMail) -> dict[str, Any]:
        """The verdict on a mail that is sent now to a new account."""
        _, [(_, queue_id)], *_ = self._arrive([entry])
        return verdict_of(self.server, queue_id)

    def examine(self) -> Figures:
        """Send the new mail of this stage."""
        started = time.monotonic()
        hams, spams = SAMPLES[self._taught]
        ham = self._arrive([entry for entry in self.unseen if not entry.is_spam][:hams])
        spam = self._arrive([entry for entry in self.unseen if entry.is_spam][:spams])
        return Figures(self._taught, ham, spam, time.monotonic() - started)

    def _arrive(self, mails: Sequence[RenderedMail]) -> Arrived:
        person = self.server.people.person("bob")
        queue_ids = self._send(person, mails)
        sent = [(mail, queue_id) for mail, queue_id in zip(mails, queue_ids, strict=True) if queue_id]
        refused = [mail.name for mail, queue_id in zip(mails, queue_ids, strict=True) if not queue_id]
        with self.server.imap(person) as imap:
            until(lambda: imap.count("INBOX") + imap.count("Spam") >= len(sent), f"{len(sent)} mails delivered", 60)
            arrived = Arrived(person, sent, refused, imap.count("INBOX"), imap.count("Spam"))
            imap.select("Spam")
            assert len(imap.uids("HEADER", "X-Spam-Flag", "YES")) == arrived.spam
        assert arrived.inbox + arrived.spam == len(sent)
        return arrived

    def _send(self, person: Person, mails: Sequence[RenderedMail]) -> list[str]:
        shares = [mails[start::CONNECTIONS] for start in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            result = list(pool.map(lambda share: self._send_in_turn(person, share), shares))
        return [result[number % CONNECTIONS][number // CONNECTIONS] for number in range(len(mails))]

    def _send_in_turn(self, person: Person, mails: Sequence[RenderedMail]) -> list[str]:
        with self.server.smtp() as smtp:
            return [
                _queue_id(lambda mail=mail: smtp.send(SENDER, [person.address], mail.body).queue_id) for mail in mails
            ]  # type: ignore[misc]


def _queue_id(sent: Callable[[], str]) -> str:
    try:
        return sent()
    except Refused:  # some mails of the corpus violate RFC 5322 so much that a server may refuse them
        return ""


pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def server(test_data: Path) -> Iterator[MailfoldServer]:
    """A server whose filter is taught only by these tests."""
    needs(nats)
    if not (test_data / ARCHIVE).is_file():
        pytest.skip(f"no spam corpus at {test_data / ARCHIVE}")
    with MailfoldServer() as running:
        yield running


@pytest.fixture(scope="module")
def classroom(server: MailfoldServer, test_data: Path) -> Classroom:
    """The accounts, before anything is taught."""
    return Classroom(server, mails(test_data / ARCHIVE))


@pytest.fixture(scope="module")
def figures(classroom: Classroom) -> Mapping[int, Figures]:
    """The figures, by number of lessons."""
    result = {}
    for count in (FEW, MANY):
        classroom.teach(count)
        result[count] = classroom.examine()
    return result


def test_after_500_spam_and_500_ham(figures: Mapping[int, Figures], show: Show) -> None:
    show("\n".join(str(figure) for figure in figures.values()))
    assert figures[MANY].ham_in_spam <= 0.5
    assert figures[MANY].spam_in_inbox <= 8.0


def test_fifty_of_each_already_help_and_do_no_harm(figures: Mapping[int, Figures]) -> None:
    assert figures[FEW].ham_in_spam <= 1.5
    assert figures[FEW].spam_in_inbox <= 45.0


def test_nearly_all_mails_are_taken(figures: Mapping[int, Figures]) -> None:
    for arrived in (figures[MANY].ham, figures[MANY].spam):
        assert len(arrived.refused) <= 0.01 * len(arrived.sent), arrived.refused


def test_headers_say_what_was_judged(server: MailfoldServer, figures: Mapping[int, Figures]) -> None:
    spam, ham = Delivered.first(server, figures[MANY].spam, "Spam"), Delivered.first(server, figures[MANY].ham, "INBOX")
    assert spam.data.endswith(spam.mail.body) and ham.data.endswith(ham.mail.body)
    # Our fields come first; fields of that name from the sender are below.
    assert fields(spam.data, "X-Spam-Flag")[0] == "YES"
    assert b"X-Spam-Flag" not in ham.data[: -len(ham.mail.body)]
    for entry, word in ((spam, "Yes"), (ham, "No")):
        score = float(entry.verdict["score"])
        status = fields(entry.data, "X-Spam-Status")[0]
        assert status.startswith(f"{word}, score={score:.1f} required=5.0 tests=BAYES_"), status
        assert all(test["name"] in status for test in entry.verdict["tests"])
        assert fields(entry.data, "X-Spam-Level")[0] == "*" * max(0, int(score))


def test_trace_names_the_words_that_decided(server: MailfoldServer, figures: Mapping[int, Figures]) -> None:
    spam = Delivered.first(server, figures[MANY].spam, "Spam")
    output = server.command.trace(spam.queue_id, "mail.classified")
    words = {result["word"]: result["weight"] for result in spam.verdict["words"]}
    assert f"words of {MANY} spam and {MANY} ham seen" in output, output
    assert len(words) >= 5 and sum(weight > 0 for weight in words.values()) > len(words) / 2
    assert all(word in output for word in list(words)[:5]), output
    assert f"bayes {MANY}+{MANY}, linear {MANY}+{MANY}" in spam.verdict["model"]


def test_moving_back_unlearns(server: MailfoldServer, classroom: Classroom, figures: Mapping[int, Figures]) -> None:
    probe = figures[MANY].spam.sent[0][0]
    before = classroom.verdict(probe)
    with server.imap(classroom.teacher) as imap:
        imap.select("Spam")
        imap.command(b"MOVE 1:100 INBOX")
        classroom.wait_for(MANY - 100, MANY + 100)
        assert classroom.verdict(probe)["probability"] != before["probability"]
        imap.select("INBOX")
        imap.command(b"MOVE %d:%d Spam" % (MANY + 1, MANY + 100))
        classroom.wait_for(MANY, MANY)
    after = classroom.verdict(probe)
    assert after["words"] == before["words"]
    assert after["probability"] == pytest.approx(before["probability"], abs=1e-9)


class Delivered(NamedTuple):
    """A delivered mail with its verdict."""

    mail: RenderedMail
    queue_id: str
    data: bytes
    verdict: dict[str, Any]

    @classmethod
    def first(cls, server: MailfoldServer, arrived: Arrived, mailbox: str) -> Delivered:
        """The first mail of a mailbox."""
        with server.imap(arrived.person) as imap:
            imap.select(mailbox)
            data = imap.fetch(imap.uids("1")[0])
        prefix = data[:2000].decode("latin-1")
        mail, queue_id = next((mail, queue_id) for mail, queue_id in arrived.sent if queue_id in prefix)
        return cls(mail, queue_id, data, verdict_of(server, queue_id))


def verdict_of(server: MailfoldServer, queue_id: str) -> dict[str, Any]:
    """The verdict, once the event log has it."""

    def recorded() -> list[dict[str, Any]]:
        ended = server.command.run("trace", queue_id, "--json")
        reported = json.loads(ended.output) if ended.status == 0 else []
        return [entry["data"]["verdict"] for entry in reported if entry["type"] == "mail.classified"]

    return until(recorded, f"the verdict of {queue_id}")[0]
