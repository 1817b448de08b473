"""What is taught, by whom and when a lesson is one: the last lesson about a message stands, once per account."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from services.classifier.domain.features import TOKENIZER_VERSION, Features


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
    """A training fact: hashed features and no word, so that the model can be made again when the message is gone.

    `tokens` and `trigrams` are `Features.to_bytes()` and `.trigrams_to_bytes()`. `account` is the id of who taught:
    the place where an account's own evidence comes from.
    """

    account: str
    label: Label
    tokenizer_version: int
    tokens: bytes
    trigrams: bytes

    @property
    def is_spam(self) -> bool:
        """Whether it teaches spam."""
        return self.label is Label.SPAM

    def features(self) -> Features:
        """The features, without words. Raises CorruptFeatures."""
        return Features.from_bytes(self.tokens, self.trigrams)


def lesson_of(found: Features, label: Label, account: str) -> Lesson:
    """The fact that teaches these features."""
    return Lesson(account, label, TOKENIZER_VERSION, found.to_bytes(), found.trigrams_to_bytes())


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
