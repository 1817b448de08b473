"""When a move teaches, and what it does to an earlier lesson."""

from __future__ import annotations

import pytest
from sample_mails import lesson

from services.classifier.domain.lesson import (
    Label,
    Role,
    StaleLesson,
    Teaching,
    decide_lesson,
    features_of_lesson,
    label_of_transfer,
)

SPAM, HAM = Label.SPAM, Label.HAM


@pytest.mark.parametrize(
    ("source", "target", "label"),
    [
        (Role.OTHER, Role.SPAM, SPAM),
        (Role.TRASH, Role.SPAM, SPAM),
        (None, Role.SPAM, SPAM),
        (Role.SPAM, Role.OTHER, HAM),
        (Role.SPAM, Role.TRASH, None),
        (Role.SPAM, Role.SPAM, None),
        (Role.OTHER, Role.OTHER, None),
        (None, Role.OTHER, None),
        (Role.OTHER, Role.TRASH, None),
    ],
)
def test_moves_into_and_out_of_spam_teach(source: Role | None, target: Role, label: Label | None) -> None:
    assert label_of_transfer(source, target) is label


@pytest.mark.parametrize(
    ("previous", "new", "teaching"),
    [
        (None, SPAM, Teaching(None, SPAM)),
        (SPAM, SPAM, Teaching(None, None)),
        (SPAM, HAM, Teaching(SPAM, HAM)),
        (HAM, SPAM, Teaching(HAM, SPAM)),
        (HAM, None, Teaching(HAM, None)),
        (None, None, Teaching(None, None)),
    ],
)
def test_the_last_lesson_is_in_force(previous: Label | None, new: Label | None, teaching: Teaching) -> None:
    assert decide_lesson(previous, new) == teaching


def test_a_lesson_holds_no_word() -> None:
    event = lesson(True, 1)
    assert all(word.encode() not in part for part in event.features for word in ("viagra", "writer1", "click"))


def test_a_lesson_of_another_tokenizer_is_stale() -> None:
    event = lesson(True, 1)
    other = type(event)(event.account, event.label, event.tokenizer_version + 1, event.features)
    with pytest.raises(StaleLesson):
        features_of_lesson(other)
