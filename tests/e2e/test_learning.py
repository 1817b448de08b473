"""Moving mail into and out of Spam teaches the filter."""

from __future__ import annotations

from typing import NamedTuple

from loadtest.content.mail import mail
from loadtest.content.profile import Profile
from shared.rpc.mailfold.classifier.v1.classifier_pb2 import RebuildModelRequest
from shared.rpc.mailfold.classifier.v1.classifier_pb2_grpc import ClassifierStub
from tests.harness.letters import letter
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST, SILENT

TAUGHT = 60
"""Mails of each kind; below 50 the filter has no opinion."""


class Kinds(NamedTuple):
    """Messages that people would sort apart."""

    spam: list[bytes]
    ham: list[bytes]


def test_moves_teach_and_unteach(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    before = seen(server)
    with server.imap(ann) as imap:
        for number in range(5):
            imap.append("INBOX", letter(f"carl@{HONEST}", ann.address, subject=f"cheap watches {number}").data)
        imap.select()
        imap.move("1:5", "Spam")
        wait_for(server, (before[0] + 5, before[1]))
        imap.select("Spam")
        imap.move("1:2", "INBOX")
        wait_for(server, (before[0] + 3, before[1] + 2))
        imap.select()
        imap.move("6:7", "Spam")
        wait_for(server, (before[0] + 5, before[1]))


def test_trash_teaches_nothing_and_append_into_spam_does(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    before = seen(server)
    with server.imap(ann) as imap:
        imap.append("INBOX", letter(f"carl@{HONEST}", ann.address).data)
        imap.select()
        imap.move("1", "Trash")
        imap.append("Spam", letter(f"carl@{HONEST}", ann.address).data)
        wait_for(server, (before[0] + 1, before[1]))


def seen(server: MailfoldServer) -> tuple[int, int]:
    """Spam and ham that the filter knows."""
    learning = server.contracts.learning()
    return learning.spam_seen, learning.ham_seen


def wait_for(server: MailfoldServer, wanted: tuple[int, int]) -> None:
    """Until it knows exactly so many."""
    until(lambda: seen(server) == wanted or None, f"spam and ham of {wanted}")


def test_spam_is_filed_once_enough_was_taught(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    known, unknown = sorted_by_kind(0, 200), sorted_by_kind(1000, 1040)
    before = seen(server)
    with server.imap(ann) as imap:
        for data in known.spam + known.ham:
            imap.append("INBOX" if data in known.spam else "Spam", data)
        imap.select("Spam")
        imap.move("1:*", "Archive")
        imap.select("INBOX")
        imap.move("1:*", "Spam")
        wait_for(server, (before[0] + TAUGHT, before[1] + TAUGHT))
        server.contracts.ask("classifier", ClassifierStub, "RebuildModel", RebuildModelRequest())  # not only some time later
        try:
            assert filed(server, ann, unknown.spam) >= 0.8
            assert filed(server, ann, unknown.ham) <= 0.1
        finally:  # the filter sleeps again for the tests that follow
            imap.select("Spam")
            imap.move("1:*", "INBOX")
            until(lambda: not server.contracts.learning().active, "the filter's sleep")


def sorted_by_kind(first: int, end: int) -> Kinds:
    """TAUGHT mails of each kind at most, out of the load test's with these numbers."""
    drawn = [mail(Profile(spam_share=0.5, signed_share=0.0), number) for number in range(first, end)]
    spam, ham = ([one.data for one in drawn if one.spam is kind][:TAUGHT] for kind in (True, False))
    return Kinds(spam, ham)


def filed(server: MailfoldServer, person: Person, mails: list[bytes]) -> float:
    """The share of these mails, sent from outside, that comes to Spam and says so in its header."""
    with server.imap(person) as imap:
        before = imap.count("INBOX"), imap.count("Spam")
        with server.smtp() as smtp:
            for data in mails:
                assert smtp.send(f"carl@{SILENT}", [person.address], data).queue_id
        until(lambda: imap.count("INBOX") + imap.count("Spam") == sum(before) + len(mails), "all mails delivered")
        imap.select("Spam")
        marked = len(imap.uids("UNSEEN", "HEADER", "X-Spam-Flag", "YES"))
        assert imap.count("Spam") - before[1] == marked
        imap.connection.uid("STORE", "1:*", "+FLAGS", "(\\Seen)")
    return marked / len(mails)
