"""A running evaluation: the questions it asks, the answers it got, and its outcome."""

from __future__ import annotations

from typing import Generic, TypeVar

from shared.protocol.dns.evaluation import Answered, Asked, Evaluation
from shared.protocol.dns.question import Answer, Question

Result = TypeVar("Result")
Used = tuple[tuple[Question, Answer], ...]
"""The questions of an evaluation with their answers; stored in events, so that the decision can be repeated."""


class Run(Generic[Result]):
    """Runs an evaluation: call `answer` with the answers to `questions` until `outcome` is set.

    Errors of the evaluation are raised by the constructor and by `answer`.
    """

    __slots__ = ("_evaluation", "_is_single", "_used", "outcome", "questions")

    def __init__(self, evaluation: Evaluation[Result]) -> None:
        self._evaluation = evaluation
        self._used: list[tuple[Question, Answer]] = []
        self._is_single = False
        self.questions: tuple[Question, ...] = ()
        """The questions to be answered next."""
        self.outcome: tuple[Result, Used] | None = None
        self._advance(None)

    def answer(self, answers: tuple[Answer, ...]) -> None:
        """Pass on the answers to `questions`, in their order."""
        self._used.extend(zip(self.questions, answers, strict=True))
        self._advance(answers[0] if self._is_single else answers)

    def close(self) -> None:
        """Close the evaluation, if it has not ended."""
        self._evaluation.close()

    def _advance(self, answered: Answered | None) -> None:
        try:
            self._note(next(self._evaluation) if answered is None else self._evaluation.send(answered))
        except StopIteration as stop:
            self.outcome = stop.value, tuple(self._used)

    def _note(self, asked: Asked) -> None:
        self._is_single = isinstance(asked, Question)
        self.questions = (asked,) if isinstance(asked, Question) else asked
