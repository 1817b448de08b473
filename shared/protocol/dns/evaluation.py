"""Evaluations that need the DNS are generators: they yield questions, get answers, and return their verdict."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from shared.protocol.dns.question import Answer, Question

Result = TypeVar("Result")

Asked: TypeAlias = Question | tuple[Question, ...]
"""One question, or several that can be asked at the same time."""

Answered: TypeAlias = Answer | tuple[Answer, ...]
"""One answer to one question, or a tuple of answers in the order of a tuple of questions."""

Evaluation: TypeAlias = Generator[Asked, Answered, Result]


def single_answer(answered: Answered) -> Answer:
    """The answer to a single question."""
    if isinstance(answered, tuple):
        raise TypeError("one question has one answer")
    return answered


def several(answered: Answered) -> tuple[Answer, ...]:
    """The answers to a tuple of questions."""
    if not isinstance(answered, tuple):
        raise TypeError("a tuple of questions has a tuple of answers")
    return answered


def drive_sync(evaluation: Evaluation[Result], lookup: Callable[[Question], Answer]) -> Result:
    """Run an evaluation with known answers: recorded ones in a replay, or those of a zone in a test."""
    try:
        asked = next(evaluation)
        while True:
            asked = evaluation.send(_answer(asked, lookup))
    except StopIteration as stop:
        result: Result = stop.value
        return result


def _answer(asked: Asked, lookup: Callable[[Question], Answer]) -> Answered:
    if isinstance(asked, Question):
        return lookup(asked)
    return tuple(lookup(question) for question in asked)
