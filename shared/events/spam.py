"""Events of the classifier. Streams: the queue id for verdicts, the account for lessons."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.events.mail import MailReceived
from shared.eventstore.event import Event, stored, upcast


class Test(msgspec.Struct, frozen=True, omit_defaults=True):
    """One test that spoke, with its score."""

    name: str
    score: float
    description: str = ""


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """A word that moved Bayes, and how far (log-odds; above 0 towards spam)."""

    word: str
    weight: float


class RecordedVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """The judgement of one mail with its arithmetic."""

    spam: bool
    score: float
    required: float
    tests: tuple[Test, ...] = ()
    words: tuple[Word, ...] = ()
    probability: float = 0.5
    second_probability: float = 0.5
    """The opinion of the model on byte trigrams of the visible text; 0.5 when it has none."""
    spam_seen: int = 0
    ham_seen: int = 0
    model: str = ""
    """Which events the model had seen: its generation and position."""
    account: str = ""
    """All recipients led to this account, and its own lessons counted more: `own_spam` and `own_ham` of them."""
    own_spam: int = 0
    own_ham: int = 0


@stored("mail.classified", schema=2)
class MailClassified(Event, frozen=True):
    """A verdict, taken once per queue id. It carries the reception on, so that delivery needs no second question."""

    queue_id: str
    verdict: RecordedVerdict
    headers: bytes
    """X-Spam-* lines ending in CRLF."""
    reception: MailReceived | None = None
    """Only on the bus; the stored event leaves it out."""


@upcast("mail.classified", 1)
def _without_own_lessons(data: dict[str, Any]) -> dict[str, Any]:
    """In the first schema no account's own lessons counted more."""
    return data


@stored("lesson.learned")
class LessonLearned(Event, frozen=True):
    """A message was taught as spam or ham; the last lesson of an account about a message stands."""

    account: str
    content: str
    """What is taught once per account: the content's id (EMAILID)."""
    label: str
    """`spam`, `ham`, or `none` when the lesson is taken back."""
    previous: str
    """The label that stood before: `spam`, `ham` or `none`."""
    features: tuple[bytes, ...] = ()
    """Hashed features, packed as the tokenizer's version does: no words."""
    tokenizer: int = 0
    queue_id: str = ""
    entry: str = ""


@stored("lesson.forgotten")
class LessonForgotten(Event, frozen=True):
    """An operator took a lesson out of the model."""

    account: str
    content: str
    previous: str
    features: tuple[bytes, ...] = ()
    tokenizer: int = 0
