"""What a model's raw score means: its middle between ham and spam, and its spread within each.

Both are found by leaving each taught event out and asking the model that has not seen it. So the scores mean the same
whatever was taught, many or few, of one kind or of both. Between two trainings the middle follows the share of spam by
a rule.
"""

import math
from typing import NamedTuple


class Calibration(NamedTuple):
    """The middle for equally many spam and ham, and the spread (standard deviation within spam and within ham)."""

    middle: float
    spread: float


class Rule(NamedTuple):
    """How a kind of model is calibrated: what holds before the first training; by how much the middle moves per unit of
    log(spam / ham taught), for the larger side owns more of the rare tokens; the log-odds that each spread off the
    middle makes.
    """

    untrained: Calibration
    imbalance: float
    steepness: float


# Measured on the SpamAssassin public corpus, 50 to 2,000 messages a side: see tests/corpus.
BAYES = Rule(Calibration(0.25, 0.58), 0.48, 2.4)
TEXT = Rule(Calibration(0.0, 0.55), 0.16, 3.1)
HEADER = Rule(Calibration(0.0, 0.8), 0.16, 2.5)
# Messages of the rarer kind at which half is believed of what a model says: who has seen little shall not shout.
CAUTION = 15
_LEAST_SPREAD = 0.1


def log_odds(score: float, calibration: Calibration, rule: Rule, spam: float, ham: float) -> float:
    """The log-odds of spam at a raw score, both sides equally likely before, when so many messages of each were
    taught."""
    middle = calibration.middle + rule.imbalance * math.log(spam / ham)
    fewer = min(spam, ham)
    return fewer / (fewer + CAUTION) * rule.steepness * (score - middle) / calibration.spread


def probability(odds: float) -> float:
    """The probability of these log-odds, safe for any finite value."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))


class LeftOut:
    """Collects the raw scores of events, each judged as if it had not been taught."""

    def __init__(self) -> None:
        self._scores: tuple[list[float], list[float]] = ([], [])

    def add(self, score: float, is_spam: bool) -> None:
        """The score of an event of that label."""
        self._scores[is_spam].append(score)

    def calibration(self, rule: Rule) -> Calibration:
        """What they say; with fewer than two of a side what the rule says."""
        ham, spam = self._scores
        if min(len(ham), len(spam)) < 2:
            return rule.untrained
        (ham_mean, ham_variance), (spam_mean, spam_variance) = _moments(ham), _moments(spam)
        middle = (ham_mean + spam_mean) / 2 - rule.imbalance * math.log(len(spam) / len(ham))
        return Calibration(middle, max(_LEAST_SPREAD, math.sqrt((ham_variance + spam_variance) / 2)))


def _moments(scores: list[float]) -> tuple[float, float]:
    mean = sum(scores) / len(scores)
    return mean, sum((score - mean) ** 2 for score in scores) / len(scores)
