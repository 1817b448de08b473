"""Training from events, in the background: the linear models anew, and the calibration of all three.

Leaving an event out is exact for Bayes, whose counts subtract; for the linear models the dual variables tell it
(Jaakkola and Haussler 1999)."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.classifier.domain import bayes
from services.classifier.domain.calibration import BAYES, Calibration, LeftOut
from services.classifier.domain.evidence import TokenCounts
from services.classifier.domain.features import Features
from services.classifier.domain.hashing import Indices
from services.classifier.domain.lesson import Lesson, features_of_lesson
from services.classifier.domain.linear import LinearModel, TrainedCounts
from services.classifier.domain.linear_pair import LinearPair

PASSES = 10
# The newest lessons of each label that a training looks at: bounds its time (about 3 s).
MAX_LESSONS = 4000
# Octets of decoded indices of each label in memory. A usual lesson has 5 KB, so usual ones are bounded by their number;
# the largest that a mail can make has 70 KB, and then some 450 of each label are left.
MAX_OCTETS = 32 * 1024 * 1024

_GOLDEN = 0.6180339887498949


class Example(NamedTuple):
    """An event as the training takes it."""

    features: Features
    is_spam: bool

    @property
    def octets(self) -> int:
        """What its indices take in memory."""
        held = self.features
        return held.tokens.nbytes + held.header.nbytes + held.trigrams.nbytes


class Newest:
    """What a training looks at: of each label the newest lessons, within MAX_LESSONS and MAX_OCTETS. Give the newest
    lesson first.
    """

    def __init__(self) -> None:
        self._lessons = {True: MAX_LESSONS, False: MAX_LESSONS}
        self._octets = {True: MAX_OCTETS, False: MAX_OCTETS}

    def has_room(self, is_spam: bool) -> bool:
        """Whether more lessons of this label are looked at."""
        return self._lessons[is_spam] > 0 and self._octets[is_spam] > 0

    @property
    def is_full(self) -> bool:
        """Whether no further lesson is looked at."""
        return not (self.has_room(True) or self.has_room(False))

    def count(self, example: Example) -> None:
        """The training looks at this one."""
        self._lessons[example.is_spam] -= 1
        self._octets[example.is_spam] -= example.octets


class Trained(NamedTuple):
    """What a training gives: to be taken over as one, by `Model.adopt`."""

    linear: LinearPair
    bayes: Calibration


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
        self._bayes = BAYES.untrained
        spam = sum(example.is_spam for example in self._examples)
        self._linear.text.trained = self._linear.header.trained = TrainedCounts(
            spam, len(self._examples) - spam, generation
        )

    def run(self) -> Iterator[None]:
        """Train; the turn is given back after every step (about 0.02 ms). `result` is ready when this ends."""
        sides = [example.is_spam for example in self._examples]
        yield from _train_linear(self._linear.text, [example.features.trigrams for example in self._examples], sides)
        yield from _train_linear(self._linear.header, [example.features.header for example in self._examples], sides)
        yield from self._calibrate_bayes()

    def result(self) -> Trained:
        """The trained models; `run` has ended."""
        return Trained(self._linear, self._bayes)

    def _calibrate_bayes(self) -> Iterator[None]:
        if min(self._linear.trained.spam, self._linear.trained.ham) < 2:
            return
        counts = TokenCounts()
        for features, is_spam in self._examples:
            counts.add(features.tokens, is_spam)
            yield
        left_out = LeftOut()
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
    left_out = LeftOut()
    for indices, is_spam, dual in zip(sets, sides, duals, strict=True):
        margin = model.margin(indices)
        left_out.add(margin - dual if is_spam else margin + dual, is_spam)
        yield
    model.calibration = left_out.calibration(model.rule)


def _newest(examples: Sequence[Example]) -> list[Example]:
    """The examples that are looked at, in their order, which is the one in which they were taught."""
    newest = Newest()
    kept: list[Example] = []
    for example in reversed(examples):
        if newest.has_room(example.is_spam):
            newest.count(example)
            kept.append(example)
    return kept[::-1]


def _order(count: int, number: int) -> Iterator[int]:
    """A fixed shuffle of range(count) for each pass: strides near the golden section, which mix whatever order events
    came in.
    """
    stride = max(1, int(count * _GOLDEN) + 2 * number)
    while count and math.gcd(stride, count) > 1:
        stride += 1
    return ((number + at * stride) % count for at in range(count))
