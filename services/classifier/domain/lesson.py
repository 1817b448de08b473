"""What is taught, by whom and when a lesson is one: the last lesson about a message stands, once per account."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from services.classifier.domain.features import TOKENIZER_VERSION, Features, PackedFeatures


class Label(StrEnum):
    """What an account says a message is."""

    SPAM = "spam"
    HAM = "ham"


class Role(StrEnum):
    """What a mailbox is for, as far as teaching goes."""

    SPAM = "spam"
    TRASH = "trash"
    OTHER = "other"


class Lesson(msgspec.Struct, frozen=True):
    """A training event: hashed features and no word, so that the model can be made again when the message is gone.

    `features` are `Features.to_bytes()`. `account` is the id of who taught: where an account's own evidence comes from.
    """

    account: str
    label: Label
    tokenizer_version: int
    features: PackedFeatures

    @property
    def is_spam(self) -> bool:
        """Whether it teaches spam."""
        return self.label is Label.SPAM


class StaleLesson(ValueError):
    """A lesson of another tokenizer version: its indices mean other tokens."""


def lesson_of(features: Features, label: Label, account: str) -> Lesson:
    """The event that teaches these features."""
    return Lesson(account, label, TOKENIZER_VERSION, features.to_bytes())


def features_of_lesson(lesson: Lesson) -> Features:
    """The features of a lesson of this tokenizer, without words. Raises StaleLesson, CorruptFeatures."""
    if lesson.tokenizer_version != TOKENIZER_VERSION:
        raise StaleLesson(f"tokenizer version {lesson.tokenizer_version}, not {TOKENIZER_VERSION}")
    return Features.from_bytes(lesson.features)


class Teaching(NamedTuple):
    """What has to be done to the model: first unlearn, then learn. None: nothing."""

    unlearn: Label | None
    learn: Label | None


def label_of_transfer(source: Role | None, target: Role) -> Label | None:
    """What a MOVE, COPY or APPEND (`source` None) says of a message.

    Into Spam is spam; out of Spam is ham, except into Trash: who empties Spam does not say that it was wanted.
    """
    if target is Role.SPAM:
        return None if source is Role.SPAM else Label.SPAM
    return Label.HAM if source is Role.SPAM and target is Role.OTHER else None


def decide_lesson(previous: Label | None, new: Label | None) -> Teaching:
    """The last lesson stands: a repeated one changes nothing, a contrary one replaces, None takes the previous back."""
    return Teaching(None, None) if previous == new else Teaching(previous, new)
