"""The table from probability to score, in points of a verdict whose threshold is 5.0.

| probability  | Bayes test | score | second opinion | score |
|--------------|------------|-------|----------------|-------|
| below 0.001  | BAYES_000  | -4.5  | TRIGRAM_000    | -4.5  |
| below 0.01   | BAYES_00   | -4.0  | TRIGRAM_00     | -4.0  |
| below 0.05   | BAYES_01   | -3.0  | TRIGRAM_01     | -3.0  |
| below 0.10   | BAYES_05   | -2.5  | TRIGRAM_05     | -2.5  |
| below 0.20   | BAYES_10   | -1.8  | TRIGRAM_10     | -1.8  |
| …            | …          | …     | …              | …     |
| from 0.99    | BAYES_99   |  5.0  | TRIGRAM_99     |  5.0  |

One point is about a factor of 2.5 of odds, so the two opinions add up as independent evidence does: either alone is enough
from 0.99, and together they are from 0.92 each. The lower side is bounded: no text is so good that it outweighs everything.
"""
