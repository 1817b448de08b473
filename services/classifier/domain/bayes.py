"""Counts → a raw score: naive Bayes with the mean of the tokens' log-odds in place of their sum.

Tokens of one text depend on each other, so the sum of plain naive Bayes saturates at 0 and 1 with the length of the
text. The mean keeps an unsure zone and ranks far better (SpamAssassin public corpus, 500 + 500 taught: spam missed at
0.5 % false positives 21 % with the sum over the root of the length, 10 % with the mean; Robinson-Fisher 20 %).
"""

import numpy as np
import numpy.typing as npt

from services.classifier.domain.evidence import Seen
from services.classifier.domain.hashing import Indices
from services.classifier.domain.token_names import TokenNames

LogOdds = npt.NDArray[np.float64]

# Added to every count (Laplace smoothing): small, for a token that only one side ever had is the strongest evidence
# there is.
SMOOTHING = 0.02
WORDS_KEPT = 12


def log_odds(seen: Seen) -> LogOdds:
    """Of each token: log P(token | spam) / P(token | ham), as Bernoulli naive Bayes gives them; 0 for a token never
    seen.

    Both sides must have been seen at least once.
    """
    smoothing = 2 * SMOOTHING / (seen.spam_seen + seen.ham_seen)
    return np.log((seen.spam / seen.spam_seen + smoothing) / (seen.ham / seen.ham_seen + smoothing))


def message_score(odds: LogOdds) -> float:
    """The raw score of a message with these tokens' log-odds: their mean; 0 without any token."""
    return float(odds.mean()) if len(odds) else 0.0


def deciding_words(tokens: Indices, odds: LogOdds, names: TokenNames) -> tuple[tuple[str, float], ...]:
    """The words that moved the probability most, strongest first, each with its log-odds (above 0: spam)."""
    strongest = _strongest(np.abs(odds), WORDS_KEPT)
    named_odds = zip(names.find(tokens[strongest]), odds[strongest].tolist(), strict=True)
    return tuple((word, round(weight, 3)) for word, weight in named_odds if word is not None and weight)


def _strongest(strengths: LogOdds, count: int) -> npt.NDArray[np.intp]:
    """The places of the largest, largest first, of equal ones the first: without putting all in order."""
    places: npt.NDArray[np.intp] = np.arange(len(strengths))
    if len(strengths) > count:
        least = np.partition(strengths, len(strengths) - count)[len(strengths) - count]
        places = (strengths >= least).nonzero()[0]
    order: npt.NDArray[np.intp] = np.argsort(-strengths[places], kind="stable")
    return places[order[:count]]
