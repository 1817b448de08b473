"""The two linear models that complement Bayes: one on the text's trigrams, one on the header's tokens."""

from dataclasses import dataclass

from services.classifier.domain.calibration import HEADER, TEXT
from services.classifier.domain.features import Features
from services.classifier.domain.hashing import HEADER_SIZE, TRIGRAM_SIZE
from services.classifier.domain.linear import LinearModel, TrainedCounts


@dataclass(slots=True)
class LinearPair:
    """Both linear models, which are always taught the same lessons."""

    text: LinearModel
    header: LinearModel
    unlearned: int = 0
    """Lessons that were unlearned since the training: the weights may still hold them."""

    @staticmethod
    def untaught(generation: int = 0) -> "LinearPair":
        """Two models that were taught nothing."""
        return LinearPair(LinearModel(TRIGRAM_SIZE, TEXT, generation), LinearModel(HEADER_SIZE, HEADER, generation))

    @property
    def trained(self) -> TrainedCounts:
        """The lessons that both have seen."""
        return self.text.trained

    def learn(self, features: Features, is_spam: bool) -> None:
        """Take one step of each model on a new example."""
        self.text.learn(features.trigrams, is_spam)
        self.header.learn(features.header, is_spam)
