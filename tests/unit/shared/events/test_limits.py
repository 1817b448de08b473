"""The events that follow from a reception fit into a bus message when the reception does."""

from __future__ import annotations

from typing import get_type_hints

from services.classifier.domain.spam_headers import MAX_TESTS, spam_headers
from services.classifier.domain.verdict import NOTHING_SEEN, Hit, Verdict
from services.classifier.handlers.sender_lists import MOST_ACCOUNTS
from services.classifier.settings import ClassifierSettings
from shared.events import spam
from shared.events.mail import LARGEST_EVENT, LARGEST_RECEPTION
from shared.eventstore.event import encode
from shared.routing.sender_patterns import LONGEST_PATTERN

LONGEST_WORD = "\x01" * 120
"""A link's host name with its prefix; a control character takes six octets of JSON."""


def test_the_longest_verdict_fits_around_the_largest_reception() -> None:
    words = next(meta.le for meta in get_type_hints(ClassifierSettings, include_extras=True)["words_kept"].__metadata__)
    hits = tuple(Hit("N" * 60, 1.0, "Style of the header: probability of spam 0.5000") for _ in range(MAX_TESTS))
    verdict = spam.RecordedVerdict(
        True,
        5.0,
        5.0,
        tuple(spam.Test(hit.name, hit.score, hit.description) for hit in hits),
        tuple(spam.Word(LONGEST_WORD, -12.3456) for _ in range(words)),
        lists=tuple(
            spam.ListVerdict("USER_IN_BLACKLIST", True, 105.0, accounts, bytes(1_000), ("*" * LONGEST_PATTERN,) * 10)
            for accounts in (("a" * 21,) * MOST_ACCOUNTS, ())
        ),
        model="bayes 100000+100000, linear 4000+4000, training 100000",
    )
    headers = spam_headers(Verdict(5.0, 5.0, True, hits, (), NOTHING_SEEN), "mailfold")
    assert len(encode(spam.MailClassified("q" * 21, verdict, headers))) <= LARGEST_EVENT - LARGEST_RECEPTION
