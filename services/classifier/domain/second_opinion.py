"""The second opinion: a linear model on byte trigrams of the visible text, which sees what tokens cannot (broken words,
foreign scripts, style). It is trained in the dual (Hsieh et al. 2008, squared hinge loss), so a lesson is one cheap step.

It cannot subtract. After an unlearning it is trained again from the facts, in the background; `Facts` tells of which.
Measured on the SpamAssassin public corpus against the same learner on byte 4-grams: a third fewer spams missed.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.classifier.domain.bayes import logistic
from services.classifier.domain.hashing import TRIGRAM_SIZE, Indices

# Inverse of the regularisation, passes over the facts, the margin that makes a factor e of odds, and the shift of the margin
# per unit of log(spam / ham facts). Measured as those of `bayes` were.
COST = 10.0
PASSES = 10
STEEPNESS = 5.0
IMBALANCE = 0.16
# The newest facts of each label that a rebuild looks at: bounds its time (about 1 s) and memory (about 30 MB).
MAX_FACTS = 4000

_GROWTH = 2.0 + 1.0 / (2.0 * COST)  # of the gradient in its own coordinate: |x|² + bias² + 1/2C
_GOLDEN = 0.6180339887498949


class Facts(NamedTuple):
    """Which facts a model has seen: how many of each label, and the number of the rebuild it stems from."""

    spam: int
    ham: int
    generation: int


class Example(NamedTuple):
    """A fact as the trainer takes it."""

    trigrams: Indices
    is_spam: bool


class TrigramModel:
    """The weights (0.5 MB). Margins above 0 mean spam."""

    def __init__(self, generation: int = 0) -> None:
        self.weights: npt.NDArray[np.float64] = np.zeros(TRIGRAM_SIZE, np.float64)
        self.bias = 0.0
        self.facts = Facts(0, 0, generation)

    def margin(self, trigrams: Indices) -> float:
        """The distance from the border between spam and ham; training aims at -1 and 1."""
        if not len(trigrams):
            return self.bias
        return float(self.weights[trigrams].sum()) / math.sqrt(len(trigrams)) + self.bias

    def probability(self, trigrams: Indices) -> float:
        """The probability of spam, both sides equally likely before; 0.5 while one side is unknown or nothing is to be read."""
        spam, ham, _ = self.facts
        if not (spam and ham and len(trigrams)):
            return 0.5
        return logistic(STEEPNESS * (self.margin(trigrams) - IMBALANCE * math.log(spam / ham)))

    def learn(self, example: Example) -> None:
        """One step on one new example, at once; the next rebuild does it thoroughly."""
        self.step(example, 0.0)
        spam, ham, generation = self.facts
        self.facts = Facts(spam + example.is_spam, ham + (not example.is_spam), generation)

    def step(self, example: Example, dual: float) -> float:
        """A step of coordinate descent in this example's dual variable; the variable's new value."""
        side = 1.0 if example.is_spam else -1.0
        gradient = side * self.margin(example.trigrams) - 1.0 + dual / (2.0 * COST)
        moved = max(0.0, dual - gradient / _GROWTH)
        change = (moved - dual) * side
        if change:
            if count := len(example.trigrams):
                self.weights[example.trigrams] += change / math.sqrt(count)
            self.bias += change
        return moved


def train(examples: Sequence[Example], generation: int) -> TrigramModel:
    """The model of these examples."""
    training = Training(examples, generation)
    for _ in training.passes():
        pass
    return training.model


class Training:
    """A training that can be walked in slices, so that a rebuild in the background leaves the processor to others."""

    def __init__(self, examples: Sequence[Example], generation: int) -> None:
        self._examples = _newest(examples)
        self._duals = [0.0] * len(self._examples)
        self.model = TrigramModel(generation)
        spam = sum(example.is_spam for example in self._examples)
        self.model.facts = Facts(spam, len(self._examples) - spam, generation)

    def passes(self, slice_size: int = 100) -> Iterator[None]:
        """Train; give the turn back after every `slice_size` steps (about 2 ms). `model` is ready when this ends."""
        for number in range(PASSES):
            for at, index in enumerate(_order(len(self._examples), number)):
                self._duals[index] = self.model.step(self._examples[index], self._duals[index])
                if at % slice_size == slice_size - 1:
                    yield


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
    while math.gcd(stride, count) != 1:
        stride += 1
    return ((number + at * stride) % count for at in range(count))
