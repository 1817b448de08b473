"""Trains the linear models from lessons, in the background, and calibrates all three models.

Leave-one-out is exact for Bayes, whose counts can be subtracted; for the linear models it is computed from the dual
variables (Jaakkola and Haussler 1999).
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.classifier.domain import bayes
from services.classifier.domain.calibration import BAYES, Calibration, HeldOutScores
from services.classifier.domain.evidence import TokenCounts
from services.classifier.domain.features import Features
from services.classifier.domain.hashing import Indices
from services.classifier.domain.lesson import Lesson, features_of_lesson
from services.classifier.domain.linear import LinearModel, TrainedCounts
from services.classifier.domain.linear_pair import LinearPair

PASSES = 10
# The newest lessons of each label that a training uses; this bounds its time (about 3 s).
MAX_LESSONS = 4000
# Octets of decoded indices of each label in memory. A usual lesson has 5 KB, so the limit above is reached first. The
# largest lesson that a mail can make has 70 KB; of such, about 450 of each label fit.
MAX_OCTETS = 32 * 1024 * 1024

_GOLDEN = 0.6180339887498949


class Example(NamedTuple):
    """A lesson, decoded for training."""

    features: Features
    is_spam: bool

    @property
    def octets(self) -> int:
        """The octets of memory that its indices take."""
        held = self.features
        return held.tokens.nbytes + held.header.nbytes + held.trigrams.nbytes


class Newest:
    """Selects the lessons of a training: the newest of each label, within MAX_LESSONS and MAX_OCTETS.

    Lessons must be offered from the newest to the oldest.
    """

    def __init__(self) -> None:
        self._lessons = {True: MAX_LESSONS, False: MAX_LESSONS}
        self._octets = {True: MAX_OCTETS, False: MAX_OCTETS}

    def has_room(self, is_spam: bool) -> bool:
        """Whether another lesson of this label fits."""
        return self._lessons[is_spam] > 0 and self._octets[is_spam] > 0

    @property
    def is_full(self) -> bool:
        """Whether no lesson of either label fits."""
        return not (self.has_room(True) or self.has_room(False))

    def count(self, example: Example) -> None:
        """Count a lesson that the training uses."""
        self._lessons[example.is_spam] -= 1
        self._octets[example.is_spam] -= example.octets


class Trained(NamedTuple):
    """The result of a training, which `Model.adopt` takes over as a whole."""

    linear: LinearPair
    bayes: Calibration


def example_of(lesson: Lesson) -> Example:
    """Decode a lesson for training. Raises StaleLesson, CorruptFeatures."""
    return Example(features_of_lesson(lesson), lesson.is_spam)


def train(examples: Sequence[Example], generation: int) -> Trained:
    """Train on these examples without pausing."""
    training = Training(examples, generation)
    for _ in training.run():
        pass
    return training.result()


class Training:
    """A training that runs in steps, so that other work can run in between."""

    def __init__(self, examples: Sequence[Example], generation: int) -> None:
        self._examples = _newest(examples)
        self._linear = LinearPair.untaught(generation)
        self._bayes = BAYES.untrained
        spam = sum(example.is_spam for example in self._examples)
        self._linear.text.trained = self._linear.header.trained = TrainedCounts(
            spam, len(self._examples) - spam, generation
        )

    def run(self) -> Iterator[None]:
        """Train, yielding after every step (about 0.02 ms). `result` is available afterwards."""
        sides = [example.is_spam for example in self._examples]
        yield from _train_linear(self._linear.text, [example.features.trigrams for example in self._examples], sides)
        yield from _train_linear(self._linear.header, [example.features.header for example in self._examples], sides)
        yield from self._calibrate_bayes()

    def result(self) -> Trained:
        """The trained models. `run` must have ended."""
        return Trained(self._linear, self._bayes)

    def _calibrate_bayes(self) -> Iterator[None]:
        if min(self._linear.trained.spam, self._linear.trained.ham) < 2:
            return
        counts = TokenCounts()
        for features, is_spam in self._examples:
            counts.add(features.tokens, is_spam)
            yield
        left_out = HeldOutScores()
        for features, is_spam in self._examples:
            seen = counts.seen(features.tokens).without(is_spam)
            left_out.add(bayes.message_score(bayes.log_odds(seen)), is_spam)
            yield
        self._bayes = left_out.calibration(BAYES)


def _train_linear(model: LinearModel, sets: Sequence[Indices], sides: Sequence[bool]) -> Iterator[None]:
    duals = [0.0] * len(sets)
    for number in range(PASSES):
        for at in _order(len(sets), number):
            duals[at] = model.step(sets[at], sides[at], duals[at])
            yield
    left_out = HeldOutScores()
    for indices, is_spam, dual in zip(sets, sides, duals, strict=True):
        margin = model.margin(indices)
        left_out.add(margin - dual if is_spam else margin + dual, is_spam)
        yield
    model.calibration = left_out.calibration(model.rule)


def _newest(examples: Sequence[Example]) -> list[Example]:
    """The examples within the limits, oldest first."""
    newest = Newest()
    kept: list[Example] = []
    for example in reversed(examples):
        if newest.has_room(example.is_spam):
            newest.count(example)
            kept.append(example)
    return kept[::-1]


def _order(count: int, number: int) -> Iterator[int]:
    """A fixed shuffle of range(count), different in each pass.

    It strides by nearly the golden section, which mixes any order of lessons well.
    """
    stride = max(1, int(count * _GOLDEN) + 2 * number)
    while count and math.gcd(stride, count) > 1:
        stride += 1
    return ((number + at * stride) % count for at in range(count))
