"""The second opinion: a linear model on byte trigrams of the visible text, which sees what tokens cannot (broken words,
foreign scripts, style). It is trained in the dual (Hsieh et al. 2008, squared hinge loss), so a lesson is one cheap step.

It cannot subtract. After an unlearning it is trained again from the facts, in the background (see `training`); `Facts`
tells from which.
Measured on the SpamAssassin public corpus against the same learner on byte 4-grams: a third fewer spams missed.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.classifier.domain.bayes import logistic
from services.classifier.domain.hashing import TRIGRAM_SIZE, Indices

# Inverse of the regularisation, the log-odds that a unit of margin makes, and the shift of the margin per unit of
# log(spam / ham facts). Measured as those of `bayes` were.
COST = 10.0
STEEPNESS = 5.0
IMBALANCE = 0.16

_GROWTH = 2.0 + 1.0 / (2.0 * COST)  # of the gradient in its own coordinate: |x|² + bias² + 1/2C


class Facts(NamedTuple):
    """Which facts a model has seen: how many of each label, and the number of the rebuild it stems from."""

    spam: int
    ham: int
    generation: int


class TrigramModel:
    """The weights (0.5 MB). Margins above 0 mean spam. `shift` is taken from the log-odds: the training's calibration."""

    def __init__(self, generation: int = 0) -> None:
        self.weights: npt.NDArray[np.float64] = np.zeros(TRIGRAM_SIZE, np.float64)
        self.bias = 0.0
        self.shift = 0.0
        self.facts = Facts(0, 0, generation)

    def margin(self, trigrams: Indices) -> float:
        """The distance from the border between spam and ham; training aims at -1 and 1."""
        if not len(trigrams):
            return self.bias
        return float(self.weights[trigrams].sum()) / math.sqrt(len(trigrams)) + self.bias

    def log_odds(self, margin: float) -> float:
        """The log-odds of spam at a margin. Both sides must have been seen."""
        spam, ham, _ = self.facts
        return STEEPNESS * (margin - IMBALANCE * math.log(spam / ham)) - self.shift

    def probability(self, trigrams: Indices) -> float:
        """The probability of spam, both sides equally likely before; 0.5 while one side is unknown or nothing is to be read."""
        if not (self.facts.spam and self.facts.ham and len(trigrams)):
            return 0.5
        return logistic(self.log_odds(self.margin(trigrams)))

    def learn(self, trigrams: Indices, is_spam: bool) -> None:
        """One step on one new example, at once; the next training does it thoroughly."""
        self.step(trigrams, is_spam, 0.0)
        spam, ham, generation = self.facts
        self.facts = Facts(spam + is_spam, ham + (not is_spam), generation)

    def step(self, trigrams: Indices, is_spam: bool, dual: float) -> float:
        """A step of coordinate descent in this example's dual variable; the variable's new value."""
        side = 1.0 if is_spam else -1.0
        gradient = side * self.margin(trigrams) - 1.0 + dual / (2.0 * COST)
        moved = max(0.0, dual - gradient / _GROWTH)
        change = (moved - dual) * side
        if change:
            if len(trigrams):
                self.weights[trigrams] += change / math.sqrt(len(trigrams))
            self.bias += change
        return moved
