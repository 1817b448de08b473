"""The two linear models that stand beside Bayes, taught together: on the text's trigrams and on the header's tokens."""

from dataclasses import dataclass

from services.classifier.domain.calibration import HEADER, TEXT
from services.classifier.domain.features import Features
from services.classifier.domain.hashing import HEADER_SIZE, TRIGRAM_SIZE
from services.classifier.domain.linear import Facts, LinearModel


@dataclass(slots=True)
class LinearPair:
    """Both models; they have always seen the same facts."""

    text: LinearModel
    header: LinearModel
    taken_back: int = 0
    """Lessons that were unlearned since the training: the weights may still hold them."""

    @staticmethod
    def untaught(generation: int = 0) -> "LinearPair":
        """Two models that know nothing."""
        return LinearPair(LinearModel(TRIGRAM_SIZE, TEXT, generation), LinearModel(HEADER_SIZE, HEADER, generation))

    @property
    def facts(self) -> Facts:
        """Which facts both have seen."""
        return self.text.facts

    def learn(self, found: Features, is_spam: bool) -> None:
        """One step each on a new example."""
        self.text.learn(found.trigrams, is_spam)
        self.header.learn(found.header, is_spam)
