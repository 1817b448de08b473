"""Training from facts, in the background: the linear models anew, and where each opinion has its middle.

The middle is found by leaving each fact out: what would the model, not having seen it, say of it? Exact for Bayes (its counts
subtract); for the linear models from the dual variables (Jaakkola and Haussler 1999). So the scores mean the same whatever
was taught, many or few, of one kind or of both.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.classifier.domain import bayes
from services.classifier.domain.evidence import TokenCounts
from services.classifier.domain.features import Features
from services.classifier.domain.hashing import Indices
from services.classifier.domain.lesson import Lesson, features_of_lesson
from services.classifier.domain.linear import Facts, LinearModel
from services.classifier.domain.linear_pair import LinearPair

PASSES = 10
# The newest facts of each label that a training looks at: bounds its time (about 3 s) and memory (about 60 MB).
MAX_FACTS = 4000
# Where the mean of (mean of left-out ham, mean of left-out spam) is laid, in log-odds. Measured: see tests/corpus.
MIDDLE = 0.0

_GOLDEN = 0.6180339887498949


class Example(NamedTuple):
    """A fact as the training takes it."""

    features: Features
    is_spam: bool


class Trained(NamedTuple):
    """What a training gives: to be taken over as one, by `Model.adopt`."""

    linear: LinearPair
    bayes_shift: float


def example_of(lesson: Lesson) -> Example:
    """A lesson as the training takes it. Raises StaleLesson, CorruptFeatures."""
    return Example(features_of_lesson(lesson), lesson.is_spam)


def train(examples: Sequence[Example], generation: int) -> Trained:
    """The training of these examples, at once."""
    training = Training(examples, generation)
    for _ in training.run():
        pass
    return training.result()


class Training:
    """A training that is walked in steps, so that it leaves the processor to others in between."""

    def __init__(self, examples: Sequence[Example], generation: int) -> None:
        self._examples = _newest(examples)
        self._linear = LinearPair.untaught(generation)
        self._bayes_shift = 0.0
        spam = sum(example.is_spam for example in self._examples)
        self._linear.text.facts = self._linear.header.facts = Facts(spam, len(self._examples) - spam, generation)

    def run(self) -> Iterator[None]:
        """Train; the turn is given back after every step (about 0.02 ms). `result` is ready when this ends."""
        sides = [example.is_spam for example in self._examples]
        yield from _train_linear(self._linear.text, [example.features.trigrams for example in self._examples], sides)
        yield from _train_linear(self._linear.header, [example.features.header for example in self._examples], sides)
        if _can_leave_out(self._linear.facts):
            yield from self._center_bayes()

    def result(self) -> Trained:
        """The trained models; `run` has ended."""
        return Trained(self._linear, self._bayes_shift)

    def _center_bayes(self) -> Iterator[None]:
        counts = TokenCounts()
        for features, is_spam in self._examples:
            counts.add(features.tokens, is_spam)
            yield
        middle = _Middle()
        for features, is_spam in self._examples:
            seen = counts.seen(features.tokens).without(is_spam)
            middle.add(bayes.message_log_odds(bayes.log_odds(seen), seen), is_spam)
            yield
        self._bayes_shift = middle.value() - MIDDLE


def _train_linear(model: LinearModel, sets: Sequence[Indices], sides: Sequence[bool]) -> Iterator[None]:
    duals = [0.0] * len(sets)
    for number in range(PASSES):
        for at in _order(len(sets), number):
            duals[at] = model.step(sets[at], sides[at], duals[at])
            yield
    if _can_leave_out(model.facts):
        middle = _Middle()
        for indices, is_spam, dual in zip(sets, sides, duals, strict=True):
            margin = model.margin(indices)
            middle.add(model.log_odds(margin - dual if is_spam else margin + dual), is_spam)
            yield
        model.shift = middle.value() - MIDDLE


def _can_leave_out(facts: Facts) -> bool:
    return min(facts.spam, facts.ham) > 1


class _Middle:
    """The mean of two means."""

    def __init__(self) -> None:
        self._sums = [0.0, 0.0]
        self._counts = [0, 0]

    def add(self, value: float, is_spam: bool) -> None:
        self._sums[is_spam] += value
        self._counts[is_spam] += 1

    def value(self) -> float:
        return (self._sums[0] / self._counts[0] + self._sums[1] / self._counts[1]) / 2


def _newest(examples: Sequence[Example]) -> list[Example]:
    """At most MAX_FACTS of each label, the last ones, in their order."""
    left = {True: MAX_FACTS, False: MAX_FACTS}
    kept: list[Example] = []
    for example in reversed(examples):
        if left[example.is_spam]:
            left[example.is_spam] -= 1
            kept.append(example)
    return kept[::-1]


def _order(count: int, number: int) -> Iterator[int]:
    """A fixed shuffle of range(count) for each pass: strides near the golden section, which mix whatever order facts came in."""
    stride = max(1, int(count * _GOLDEN) + 2 * number)
    while math.gcd(stride, count) > 1:
        stride += 1
    return ((number + at * stride) % count for at in range(count))
