"""Events of the classifier: verdicts in the stream of the queue id, lessons in that of the account."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.events.mail import MailReceived
from shared.eventstore.event import Event, stored, upcast


class Test(msgspec.Struct, frozen=True, omit_defaults=True):
    """A test that matched, with its score."""

    name: str
    score: float
    description: str = ""


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """A word that influenced Bayes, with its log-odds (above 0: spam)."""

    word: str
    weight: float


class ListVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """The verdict for accounts whose own list has the sender: it counts for them in place of the common one."""

    test: str
    """`USER_IN_BLACKLIST` or `USER_IN_WHITELIST`."""
    spam: bool
    score: float
    accounts: tuple[str, ...]
    headers: bytes
    """The X-Spam-* fields of their copies, ending in CRLF."""
    patterns: tuple[str, ...] = ()
    """The patterns of the first of these accounts."""


class RecordedVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """The verdict on one mail, with the numbers that led to it."""

    spam: bool
    score: float
    required: float
    tests: tuple[Test, ...] = ()
    words: tuple[Word, ...] = ()
    probability: float = 0.5
    second_probability: float = 0.5
    """The probability from the model on byte trigrams of the visible text; 0.5 when it has none."""
    spam_seen: int = 0
    ham_seen: int = 0
    model: str = ""
    """The lessons that the model had seen: its generation and position."""
    account: str = ""
    """The account to which all recipients belong and whose own lessons counted more: `own_spam` and `own_ham` of them.
    """
    own_spam: int = 0
    own_ham: int = 0
    lists: tuple[ListVerdict, ...] = ()
    """The verdicts for accounts with lists of their own: one for those that block the sender, one for those that allow
    it."""


@stored("mail.classified", schema=2)
class MailClassified(Event, frozen=True):
    """A verdict, decided once for each queue id.

    It contains the reception, so that delivery needs no further request.
    """

    queue_id: str
    verdict: RecordedVerdict
    headers: bytes
    """The X-Spam-* fields, ending in CRLF."""
    reception: MailReceived | None = None
    """The reception, only on the bus; the stored event does not contain it."""


@upcast("mail.classified", 1)
def _without_own_lessons(data: dict[str, Any]) -> dict[str, Any]:
    """Upcast from the first schema, in which no account's own lessons counted more."""
    return data


@stored("lesson.learned")
class LessonLearned(Event, frozen=True):
    """An account taught a message as spam or ham. Only its last lesson about a message is in force."""

    account: str
    content: str
    """The content id (EMAILID), for which an account has at most one lesson in force."""
    label: str
    """`spam`, `ham`, or `none` when the lesson is withdrawn."""
    previous: str
    """The label before: `spam`, `ham` or `none`."""
    features: tuple[bytes, ...] = ()
    """Hashed features, packed in the form of the tokenizer's version; they contain no words."""
    tokenizer: int = 0
    queue_id: str = ""
    entry: str = ""


@stored("lesson.forgotten")
class LessonForgotten(Event, frozen=True):
    """An operator removed a lesson from the model."""

    account: str
    content: str
    previous: str
    features: tuple[bytes, ...] = ()
    tokenizer: int = 0
