"""The mail for searches is the same everywhere, and what is known of it is what the message has."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from email.message import EmailMessage

from loadtest.content.corpus import HUNDREDTH, SUBJECT_WORD, THOUSANDTH, corpus_mail, unique_word
from loadtest.content.scripts import SCRIPTS, vocabulary
from loadtest.finding.filling import Amounts
from loadtest.finding.searches import Expected, searches

_MAILS = [corpus_mail(1, number, 8192) for number in range(400)]


def test_equal_seeds_give_equal_mail_and_no_two_mails_are_equal() -> None:
    assert corpus_mail(1, 7, 8192) == _MAILS[7] != corpus_mail(2, 7, 8192)
    assert len({mail.data for mail in _MAILS}) == len(_MAILS)


def test_what_is_known_of_a_mail_is_in_it() -> None:
    for mail in _MAILS[:60]:
        parsed = email.message_from_bytes(mail.data, _class=EmailMessage, policy=email.policy.default)
        assert str(parsed["Subject"]).lower() == mail.subject
        assert mail.author in str(parsed["From"]).replace('"', "").lower()
        plain = parsed.get_body(("plain",))
        assert plain is not None
        shown = plain.get_content().lower().split()
        assert [word for word in mail.body.split() if word not in ("letter", "here")] == [
            word for word in shown if word not in ("letter", "here")
        ]


def test_marks_are_as_rare_as_their_names() -> None:
    thousand = [corpus_mail(1, number, 1000) for number in range(1000)]
    assert sum(HUNDREDTH in mail.body for mail in thousand) == 10
    assert sum(THOUSANDTH in mail.body for mail in thousand) == 1
    assert sum(SUBJECT_WORD in mail.subject for mail in thousand) == 10
    assert sum(unique_word(1, 500) in mail.body for mail in thousand) == 1


def test_words_are_many_in_several_scripts_and_the_size_is_the_mean() -> None:
    assert sum(len(vocabulary(script).words) for script in SCRIPTS) > 50_000
    amounts = Amounts()
    for mail in _MAILS:
        amounts.note(mail)
    assert 6500 < amounts.octets / amounts.mails < 10_000
    assert amounts.compressed < amounts.text
    frequencies = Counter(word for mail in _MAILS for word in mail.body.split())
    assert frequencies["the"] > 10 * frequencies["project"] > 0


def test_the_expected_counts_are_those_of_the_mail() -> None:
    asked = searches(1, len(_MAILS))
    expected = Expected(asked)
    for mail in _MAILS:
        expected.note(mail)
    assert len({search.name for search in asked}) == len(asked)
    assert expected.counts["BODY, a single mail"] == 1
    assert expected.counts["BODY, no mail"] == 0
    assert expected.counts["TEXT, all mails"] == len(_MAILS)
    assert expected.counts["BODY, 1 %"] == 4
    assert expected.counts["NOT BODY, 1 %"] == len(_MAILS) - 4
