"""Converts token counts to a raw score: naive Bayes with the mean of the tokens' log-odds instead of their sum.

The tokens of a text depend on each other, so the sum in plain naive Bayes saturates at 0 and 1 as the text grows. The
mean keeps a range of unsure scores and ranks far better. Measured on the SpamAssassin public corpus with 500 spam and
500 ham taught, at 0.5 % false positives: the mean missed 10 % of spam, Robinson-Fisher 20 %, and the sum divided by the
root of the length 21 %.
"""

import numpy as np
import numpy.typing as npt

from services.classifier.domain.evidence import Seen
from services.classifier.domain.hashing import Indices
from services.classifier.domain.token_names import TokenNames

LogOdds = npt.NDArray[np.float64]

# Added to every count (Laplace smoothing). It is small because a token that only spam or only ham contained is the
# strongest evidence there is.
SMOOTHING = 0.02
WORDS_KEPT = 12


def log_odds(seen: Seen) -> LogOdds:
    """The log-odds of each token: log P(token | spam) / P(token | ham), as Bernoulli naive Bayes computes them.

    They are 0 for a token that was never seen. At least one spam and one ham must have been counted.
    """
    smoothing = 2 * SMOOTHING / (seen.spam_seen + seen.ham_seen)
    return np.log((seen.spam / seen.spam_seen + smoothing) / (seen.ham / seen.ham_seen + smoothing))


def message_score(odds: LogOdds) -> float:
    """The raw score of a message whose tokens have these log-odds: their mean, or 0 without tokens."""
    return float(odds.mean()) if len(odds) else 0.0


def deciding_words(tokens: Indices, odds: LogOdds, names: TokenNames) -> tuple[tuple[str, float], ...]:
    """The words that moved the probability most, strongest first, each with its log-odds (above 0: spam)."""
    strongest = _strongest(np.abs(odds), WORDS_KEPT)
    named_odds = zip(names.find(tokens[strongest]), odds[strongest].tolist(), strict=True)
    return tuple((word, round(weight, 3)) for word, weight in named_odds if word is not None and weight)


def _strongest(strengths: LogOdds, count: int) -> npt.NDArray[np.intp]:
    """The indices of the `count` largest values, largest first.

    Not all values are sorted; equal ones keep their order.
    """
    places: npt.NDArray[np.intp] = np.arange(len(strengths))
    if len(strengths) > count:
        least = np.partition(strengths, len(strengths) - count)[len(strengths) - count]
        places = (strengths >= least).nonzero()[0]
    order: npt.NDArray[np.intp] = np.argsort(-strengths[places], kind="stable")
    return places[order[:count]]
