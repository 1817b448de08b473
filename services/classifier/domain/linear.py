"""Linear models on sets of indices, a second opinion beside Bayes.

One model reads the byte trigrams of the visible text and sees what words cannot show: broken words, foreign scripts,
style. The other reads the tokens of the header, which the many words of a long text would outweigh. Both are trained in
the dual (Hsieh et al. 2008, squared hinge loss), so one lesson is one cheap step.

They cannot unlearn. After an unlearning they are trained again from the lessons, in the background (see `training`);
`TrainedCounts` says on which lessons. Measured on the SpamAssassin public corpus, the same learner on byte 4-grams
misses a third more spam.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.classifier.domain.calibration import Rule, log_odds, probability
from services.classifier.domain.hashing import Indices

# Inverse of the regularisation.
COST = 10.0

_GROWTH = 2.0 + 1.0 / (2.0 * COST)  # of the gradient in its own coordinate: |x|² + bias² + 1/2C


class TrainedCounts(NamedTuple):
    """The lessons that a model has seen: the number of each label, and the number of the training it comes from."""

    spam: int
    ham: int
    generation: int


class LinearModel:
    """The weights (0.5 MB for 2^16). Margins above 0 mean spam."""

    def __init__(self, size: int, rule: Rule, generation: int = 0) -> None:
        self.weights: npt.NDArray[np.float64] = np.zeros(size, np.float64)
        self.rule = rule
        self.bias = 0.0
        self.calibration = rule.untrained
        self.trained = TrainedCounts(0, 0, generation)

    def margin(self, indices: Indices) -> float:
        """The signed distance from the border between spam and ham; training aims at -1 for ham and 1 for spam."""
        if not len(indices):
            return self.bias
        return float(self.weights.take(indices).sum()) / math.sqrt(len(indices)) + self.bias

    def probability(self, indices: Indices) -> float:
        """The probability of spam when spam and ham are equally likely before.

        0.5 while only one side was taught, or when there are no indices.
        """
        spam, ham, _ = self.trained
        if not (spam and ham and len(indices)):
            return 0.5
        return probability(log_odds(self.margin(indices), self.calibration, self.rule, spam, ham))

    def learn(self, indices: Indices, is_spam: bool) -> None:
        """Take one step on a new example, at once; the next training will repeat it thoroughly."""
        self.step(indices, is_spam, 0.0)
        spam, ham, generation = self.trained
        self.trained = TrainedCounts(spam + is_spam, ham + (not is_spam), generation)

    def step(self, indices: Indices, is_spam: bool, dual: float) -> float:
        """Take a step of coordinate descent in this example's dual variable, and return its new value."""
        side = 1.0 if is_spam else -1.0
        gradient = side * self.margin(indices) - 1.0 + dual / (2.0 * COST)
        moved = max(0.0, dual - gradient / _GROWTH)
        change = (moved - dual) * side
        if change:
            if len(indices):
                self.weights[indices] += change / math.sqrt(len(indices))
            self.bias += change
        return moved
