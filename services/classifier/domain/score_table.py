"""The table from probability to score, in points of a verdict whose threshold is 5.0.

| probability | test      | score |   | probability | test      | score |
|-------------|-----------|-------|---|-------------|-----------|-------|
| below 0.01  | BAYES_00  | -3.0  |   | 0.60 – 0.70 | BAYES_60  | 0.6   |
| 0.01 – 0.05 | BAYES_01  | -2.8  |   | 0.70 – 0.80 | BAYES_70  | 1.2   |
| 0.05 – 0.10 | BAYES_05  | -2.4  |   | 0.80 – 0.90 | BAYES_80  | 1.8   |
| 0.10 – 0.20 | BAYES_10  | -1.8  |   | 0.90 – 0.95 | BAYES_90  | 2.7   |
| 0.20 – 0.30 | BAYES_20  | -1.2  |   | 0.95 – 0.98 | BAYES_95  | 3.6   |
| 0.30 – 0.40 | BAYES_30  | -0.6  |   | 0.98 – 0.99 | BAYES_98  | 4.5   |
| 0.40 – 0.60 | BAYES_50  | 0.0   |   | 0.99 – 0.999| BAYES_99  | 5.0   |
|             |           |       |   | from 0.999  | BAYES_999 | 6.0   |

The linear models have the same table under the names TRIGRAM_nn and HEADER_nn. A point is a factor of about 2.5 of
odds, so they add up as independent evidence does: from 0.99 any alone reaches the threshold, at 0.95 and 0.80 two
together do. The lower side is bounded: no text is so good that it outweighs all other tests. Before 50 spam and 50 ham
have been seen there is no opinion: no test and 0 points.
"""

from bisect import bisect_right
from typing import NamedTuple

_BANDS = (
    (0.0, "00", -3.0),
    (0.01, "01", -2.8),
    (0.05, "05", -2.4),
    (0.10, "10", -1.8),
    (0.20, "20", -1.2),
    (0.30, "30", -0.6),
    (0.40, "50", 0.0),
    (0.60, "60", 0.6),
    (0.70, "70", 1.2),
    (0.80, "80", 1.8),
    (0.90, "90", 2.7),
    (0.95, "95", 3.6),
    (0.98, "98", 4.5),
    (0.99, "99", 5.0),
    (0.999, "999", 6.0),
)
_FLOORS = tuple(floor for floor, _, _ in _BANDS)


class Band(NamedTuple):
    """A row of the table: the name and score of probabilities from `floor` up."""

    floor: float
    name: str
    score: float


def band_of(probability: float) -> Band:
    """The row for a probability between 0 and 1."""
    return Band(*_BANDS[max(0, bisect_right(_FLOORS, probability) - 1)])
