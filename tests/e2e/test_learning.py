"""Moving mail into and out of Spam teaches the filter."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest

from shared.rpc.mailfold.classifier.v1.classifier_pb2 import RebuildModelRequest
from shared.rpc.mailfold.classifier.v1.classifier_pb2_grpc import ClassifierStub
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST, SILENT

pytestmark = pytest.mark.all_layouts

TAUGHT = 60
"""Mails of each label; with fewer than 50 the filter has no opinion."""

SPAM_WORDS = """pills casino lottery winner viagra jackpot replica watches cheap loans refinance miracle discount
pharmacy bonus prize claim
inheritance beneficiary transfer million dollars urgent guaranteed click unsubscribe free credit offer limited adult
enlarge weight loss"""
HAM_WORDS = """meeting minutes agenda project release schedule review patch compile garden lunch train weekend school
birthday invoice draft chapter
library professor seminar conference paper experiment sensor driver kernel branch merge holiday mountains recipe
dinner concert tickets"""


class Kinds(NamedTuple):
    """Messages that a person would separate easily."""

    spam: list[bytes]
    ham: list[bytes]


def test_moves_teach_and_unteach(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    before = seen(server)
    with server.imap(ann) as imap:
        for number in range(5):
            imap.append("INBOX", compose(f"carl@{HONEST}", ann.address, subject=f"cheap watches {number}").data)
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
        imap.append("INBOX", compose(f"carl@{HONEST}", ann.address).data)
        imap.select()
        imap.move("1", "Trash")
        imap.append("Spam", compose(f"carl@{HONEST}", ann.address).data)
        wait_for(server, (before[0] + 1, before[1]))


def seen(server: MailfoldServer) -> tuple[int, int]:
    """The numbers of spam and ham that the filter has learnt."""
    learning = server.contracts.learning()
    return learning.spam_seen, learning.ham_seen


def wait_for(server: MailfoldServer, expected: tuple[int, int]) -> None:
    """Wait until it has learnt exactly so many."""
    until(lambda: seen(server) == expected or None, f"spam and ham of {expected}")


def test_spam_is_filed_once_enough_was_taught(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    known, unknown = sorted_by_kind(ann.address, 0, TAUGHT), sorted_by_kind(ann.address, 1000, 1020)
    before = seen(server)
    with server.imap(ann) as imap:
        for data in known.spam + known.ham:
            imap.append("INBOX" if data in known.spam else "Spam", data)
        imap.select("Spam")
        imap.move("1:*", "Archive")
        imap.select("INBOX")
        imap.move("1:*", "Spam")
        wait_for(server, (before[0] + TAUGHT, before[1] + TAUGHT))
        server.contracts.ask(
            "classifier", ClassifierStub, "RebuildModel", RebuildModelRequest()
        )  # at once, not only after some time
        try:
            assert filed(server, ann, unknown.spam) >= 0.9
            assert filed(server, ann, unknown.ham) <= 0.1
        finally:  # the filter has no opinion again in the tests that follow
            imap.select("Spam")
            imap.move("1:*", "INBOX")
            until(lambda: not server.contracts.learning().active, "the filter's sleep", 60)


def sorted_by_kind(address: str, first: int, end: int) -> Kinds:
    """Clear mails of each label, the same for the same numbers except for their Message-IDs."""
    return Kinds(
        *([written(address, words, number) for number in range(first, end)] for words in (SPAM_WORDS, HAM_WORDS))
    )


def written(address: str, vocabulary: str, number: int) -> bytes:
    """A mail of words from a vocabulary."""
    words = random.Random(number).choices(vocabulary.split(), k=60)
    lines = [" ".join(words[at : at + 10]) for at in range(0, len(words), 10)]
    return compose(f"carl@{SILENT}", address, subject=" ".join(words[:3]), body="\r\n".join([*lines, ""]).encode()).data


def filed(server: MailfoldServer, person: Person, mails: list[bytes]) -> float:
    """The share of these mails, sent from outside, that is filed into Spam with the header that says so."""
    with server.imap(person) as imap:
        before = imap.count("INBOX"), imap.count("Spam")
        with server.smtp() as smtp:
            for data in mails:
                assert smtp.send(f"carl@{SILENT}", [person.address], data).queue_id
        until(lambda: imap.count("INBOX") + imap.count("Spam") == sum(before) + len(mails), "all mails delivered", 60)
        imap.select("Spam")
        marked = len(imap.uids("UNSEEN", "HEADER", "X-Spam-Flag", "YES"))
        assert imap.count("Spam") - before[1] == marked
        imap.connection.uid("STORE", "1:*", "+FLAGS", "(\\Seen)")
    return marked / len(mails)
