"""An evaluation while it runs: what it asks, what it was told, and in the end what came of it."""

from __future__ import annotations

from typing import Generic, TypeVar

from shared.protocol.dns.evaluation import Answered, Asked, Evaluation
from shared.protocol.dns.question import Answer, Question

Result = TypeVar("Result")
Used = tuple[tuple[Question, Answer], ...]
"""The questions an evaluation asked, with the answers it got: kept with the event, they replay the decision."""


class Run(Generic[Result]):
    """Answer `questions` by `tell` until `outcome` is there. What the evaluation raises, both raise."""

    __slots__ = ("_evaluation", "_is_single", "_used", "outcome", "questions")

    def __init__(self, evaluation: Evaluation[Result]) -> None:
        self._evaluation = evaluation
        self._used: list[tuple[Question, Answer]] = []
        self._is_single = False
        self.questions: tuple[Question, ...] = ()
        """What it asks now."""
        self.outcome: tuple[Result, Used] | None = None
        self._advance(None)

    def answer(self, answers: tuple[Answer, ...]) -> None:
        """The answers to `questions`, in their order."""
        self._used.extend(zip(self.questions, answers, strict=True))
        self._advance(answers[0] if self._is_single else answers)

    def close(self) -> None:
        """Give it up, if it is not over."""
        self._evaluation.close()

    def _advance(self, answered: Answered | None) -> None:
        try:
            self._note(next(self._evaluation) if answered is None else self._evaluation.send(answered))
        except StopIteration as stop:
            self.outcome = stop.value, tuple(self._used)

    def _note(self, asked: Asked) -> None:
        self._is_single = isinstance(asked, Question)
        self.questions = (asked,) if isinstance(asked, Question) else asked
