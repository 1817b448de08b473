"""What the models think of one message."""

from typing import NamedTuple

from services.classifier.domain.linear import TrainedCounts


class Opinion(NamedTuple):
    """Probabilities of spam, 0 to 1: of Bayes, and of the linear models on the text and on the header (None: they have
    none).

    `words` moved Bayes most, strongest first, each with its log-odds (above 0: spam). `events` says what Bayes had
    seen, `linear_facts` what the linear models had, which may lag behind until their next training."""

    bayes: float
    text: float | None
    header: float | None
    words: tuple[tuple[str, float], ...]
    trained: TrainedCounts
    linear_trained: TrainedCounts
