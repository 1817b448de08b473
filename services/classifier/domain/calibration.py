"""Calibration: the middle of a model's raw scores between ham and spam, and their spread within each.

Both are estimated by leave-one-out: each example is scored by a model that has not seen it. So a raw score means the
same whether many or few examples were taught, and whatever share of them is spam. Between two trainings a rule moves
the middle with that share.
"""

import math
from typing import NamedTuple


class Calibration(NamedTuple):
    """The middle for equally many spam and ham, and the spread: the standard deviation within spam and within ham."""

    middle: float
    spread: float


class Rule(NamedTuple):
    """How a kind of model is calibrated.

    `untrained` holds before the first training. `imbalance` says how far the middle moves per unit of log(spam / ham
    taught), because the larger side has more of the rare tokens. `steepness` is the log-odds for each spread
    that a score lies off the middle.
    """

    untrained: Calibration
    imbalance: float
    steepness: float


# Measured on the SpamAssassin public corpus, 50 to 2,000 messages a side: see tests/corpus.
BAYES = Rule(Calibration(0.25, 0.58), 0.48, 2.4)
TEXT = Rule(Calibration(0.0, 0.55), 0.16, 3.1)
HEADER = Rule(Calibration(0.0, 0.8), 0.16, 2.5)
# Number of messages of the rarer kind at which half of a model's log-odds counts: a model that has seen little must not
# decide alone.
CAUTION = 15
_LEAST_SPREAD = 0.1


def log_odds(score: float, calibration: Calibration, rule: Rule, spam: float, ham: float) -> float:
    """The log-odds of spam at a raw score, after so many spam and ham were taught.

    Spam and ham are taken to be equally likely before the message is seen.
    """
    middle = calibration.middle + rule.imbalance * math.log(spam / ham)
    fewer = min(spam, ham)
    return fewer / (fewer + CAUTION) * rule.steepness * (score - middle) / calibration.spread


def probability(odds: float) -> float:
    """The probability of these log-odds, safe for any finite value."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))


class HeldOutScores:
    """Collects raw scores of examples, each given by a model that was not taught that example."""

    def __init__(self) -> None:
        self._scores: tuple[list[float], list[float]] = ([], [])

    def add(self, score: float, is_spam: bool) -> None:
        """Add the score of an example with this label."""
        self._scores[is_spam].append(score)

    def calibration(self, rule: Rule) -> Calibration:
        """The calibration from the collected scores.

        It is `rule.untrained` when there are fewer than two scores of a side.
        """
        ham, spam = self._scores
        if min(len(ham), len(spam)) < 2:
            return rule.untrained
        (ham_mean, ham_variance), (spam_mean, spam_variance) = _moments(ham), _moments(spam)
        middle = (ham_mean + spam_mean) / 2 - rule.imbalance * math.log(len(spam) / len(ham))
        return Calibration(middle, max(_LEAST_SPREAD, math.sqrt((ham_variance + spam_variance) / 2)))


def _moments(scores: list[float]) -> tuple[float, float]:
    mean = sum(scores) / len(scores)
    return mean, sum((score - mean) ** 2 for score in scores) / len(scores)
