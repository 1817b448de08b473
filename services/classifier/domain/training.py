"""Training from facts, in the background: the second opinion anew, and where each opinion has its middle.

The middle is found by leaving each fact out: what would the model, not having seen it, say of it? Exact for Bayes (its counts
subtract); for the second opinion from the dual variables (Jaakkola and Haussler 1999). So the scores mean the same whatever
was taught, many or few, of one kind or of both.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.classifier.domain import bayes
from services.classifier.domain.evidence import TokenCounts
from services.classifier.domain.features import Features
from services.classifier.domain.second_opinion import Facts, TrigramModel

PASSES = 10
# The newest facts of each label that a training looks at: bounds its time (about 1 s) and memory (about 60 MB).
MAX_FACTS = 4000
# Where the mean of (mean of left-out ham, mean of left-out spam) is laid, in log-odds. Above 0, as ham has the longer tail:
# newsletters look like spam more often than spam looks like letters. Measured: see tests/corpus.
MIDDLE = 0.5

_GOLDEN = 0.6180339887498949


class Example(NamedTuple):
    """A fact as the training takes it."""

    features: Features
    is_spam: bool


class Trained(NamedTuple):
    """What a training gives: to be taken over as one, by `Model.adopt`."""

    second: TrigramModel
    bayes_shift: float


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
        self._duals = [0.0] * len(self._examples)
        spam = sum(example.is_spam for example in self._examples)
        self._second = TrigramModel(generation)
        self._second.facts = Facts(spam, len(self._examples) - spam, generation)
        self._shifts = (0.0, 0.0)

    def run(self) -> Iterator[None]:
        """Train; the turn is given back after every step (about 0.02 ms). `result` is ready when this ends."""
        for number in range(PASSES):
            for index in _order(len(self._examples), number):
                features, is_spam = self._examples[index]
                self._duals[index] = self._second.step(features.trigrams, is_spam, self._duals[index])
                yield
        if min(self._second.facts[:2]) > 1:
            yield from self._calibrate()

    def result(self) -> Trained:
        """The trained models; `run` has ended."""
        bayes_shift, self._second.shift = self._shifts
        return Trained(self._second, bayes_shift)

    def _calibrate(self) -> Iterator[None]:
        counts = TokenCounts()
        for features, is_spam in self._examples:
            counts.add(features.tokens, is_spam)
            yield
        middles = _Middle(), _Middle()
        for (features, is_spam), dual in zip(self._examples, self._duals, strict=True):
            middles[0].add(_bayes_without(counts, features, is_spam), is_spam)
            middles[1].add(self._second_without(features, is_spam, dual), is_spam)
            yield
        self._shifts = middles[0].value() - MIDDLE, middles[1].value() - MIDDLE

    def _second_without(self, features: Features, is_spam: bool, dual: float) -> float:
        margin = self._second.margin(features.trigrams)
        return self._second.log_odds(margin - dual if is_spam else margin + dual)


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


def _bayes_without(counts: TokenCounts, features: Features, is_spam: bool) -> float:
    seen = counts.seen(features.tokens).without(is_spam)
    return bayes.message_log_odds(bayes.log_odds(seen), seen)


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
