"""Lessons: what an account says about a message. Only the latest lesson about a message counts, for each account."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from services.classifier.domain.features import TOKENIZER_VERSION, Features, PackedFeatures


class Label(StrEnum):
    """An account's opinion of a message."""

    SPAM = "spam"
    HAM = "ham"


class Role(StrEnum):
    """The use of a mailbox, as far as lessons depend on it."""

    SPAM = "spam"
    TRASH = "trash"
    OTHER = "other"


class Lesson(msgspec.Struct, frozen=True):
    """A training example: hashed features and no words, so that the model can be rebuilt when the message is gone.

    `features` are `Features.to_bytes()`. `account` is the id of the account that taught, for that account's own
    evidence.
    """

    account: str
    label: Label
    tokenizer_version: int
    features: PackedFeatures

    @property
    def is_spam(self) -> bool:
        """Whether the lesson says spam."""
        return self.label is Label.SPAM


class StaleLesson(ValueError):
    """A lesson of another tokenizer version: its indices stand for other tokens."""


def lesson_of(features: Features, label: Label, account: str) -> Lesson:
    """The lesson with these features."""
    return Lesson(account, label, TOKENIZER_VERSION, features.to_bytes())


def features_of_lesson(lesson: Lesson) -> Features:
    """The features of a lesson of this tokenizer, without words. Raises StaleLesson, CorruptFeatures."""
    if lesson.tokenizer_version != TOKENIZER_VERSION:
        raise StaleLesson(f"tokenizer version {lesson.tokenizer_version}, not {TOKENIZER_VERSION}")
    return Features.from_bytes(lesson.features)


class Teaching(NamedTuple):
    """The change of the model: first `unlearn`, then `learn`. None: nothing."""

    unlearn: Label | None
    learn: Label | None


def label_of_transfer(source: Role | None, target: Role) -> Label | None:
    """The opinion that a MOVE, COPY or APPEND (`source` None) expresses about a message.

    Into Spam means spam. Out of Spam means ham, except into Trash: a user who empties Spam does not say that the
    messages are ham.
    """
    if target is Role.SPAM:
        return None if source is Role.SPAM else Label.SPAM
    return Label.HAM if source is Role.SPAM and target is Role.OTHER else None


def decide_lesson(previous: Label | None, new: Label | None) -> Teaching:
    """The change of the model after a new opinion.

    The same opinion again changes nothing, a contrary one replaces the old one, and None removes it.
    """
    return Teaching(None, None) if previous == new else Teaching(previous, new)
