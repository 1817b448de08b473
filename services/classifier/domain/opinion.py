"""What the models think of one message."""

from typing import NamedTuple

from services.classifier.domain.second_opinion import Facts


class Opinion(NamedTuple):
    """Two probabilities of spam, 0 to 1: of Bayes and of the second opinion (None: it has none).

    `words` moved Bayes most, strongest first, each with its log-odds (above 0: spam). `facts` says what Bayes had seen,
    `second_facts` what the second opinion had, which may lag behind until its next rebuild.
    """

    bayes: float
    second: float | None
    words: tuple[tuple[str, float], ...]
    facts: Facts
    second_facts: Facts
