"""The opinion of the models about one message."""

from typing import NamedTuple

from services.classifier.domain.linear import TrainedCounts


class Opinion(NamedTuple):
    """The probabilities of spam, 0 to 1, from Bayes and from the linear models on text and header (None: no opinion).

    `words` moved Bayes most, strongest first, each with its log-odds (above 0: spam). `trained` counts the lessons that
    Bayes has seen, `linear_trained` those of the linear models, which may lag behind until their next training.
    """

    bayes: float
    text: float | None
    header: float | None
    words: tuple[tuple[str, float], ...]
    trained: TrainedCounts
    linear_trained: TrainedCounts
