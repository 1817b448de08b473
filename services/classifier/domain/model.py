"""The shared model: evidence for Bayes and the linear models, which learn and unlearn lessons."""

from services.classifier.domain import bayes
from services.classifier.domain.calibration import BAYES, log_odds, probability
from services.classifier.domain.evidence import Evidence, Seen, TokenCounts, blend
from services.classifier.domain.features import Features
from services.classifier.domain.lesson import Lesson, features_of_lesson
from services.classifier.domain.linear import TrainedCounts
from services.classifier.domain.linear_pair import LinearPair
from services.classifier.domain.opinion import Opinion
from services.classifier.domain.training import Trained

# There is no opinion before so many spam and so many ham were taught.
ENOUGH = 50
# How many times more an account's own lessons count for its mail than the lessons of others.
OWN_WEIGHT = 4.0
# The linear models cannot unlearn. They give no opinion when more than this share of the lessons they were trained on
# was unlearned since. Lessons that their training left out do not count.
TAKEN_BACK_SHARE = 0.02


class Model:
    """The model of all lessons.

    After `unlearn(lesson)` the evidence equals that of a model that never learned the lesson.
    """

    def __init__(self) -> None:
        self.counts = TokenCounts()
        self.linear = LinearPair.untaught()
        self.bayes = BAYES.untrained

    @property
    def spam_seen(self) -> int:
        """Number of messages taught as spam."""
        return self.counts.spam_seen

    @property
    def ham_seen(self) -> int:
        """Number of messages taught as ham."""
        return self.counts.ham_seen

    @property
    def is_ready(self) -> bool:
        """Whether enough spam and ham were taught to have an opinion."""
        return min(self.spam_seen, self.ham_seen) >= ENOUGH

    @property
    def trained(self) -> TrainedCounts:
        """The lessons that Bayes has seen, and the number of the training that its middle comes from."""
        return TrainedCounts(self.spam_seen, self.ham_seen, self.linear.trained.generation)

    def learn(self, lesson: Lesson) -> None:
        """Learn at once. Raises StaleLesson, CorruptFeatures."""
        features = features_of_lesson(lesson)
        self.counts.add(features.tokens, lesson.is_spam)
        self.linear.learn(features, lesson.is_spam)

    def unlearn(self, lesson: Lesson) -> None:
        """Unlearn a lesson; only Bayes unlearns exactly, the linear models follow with their next training.

        Raises StaleLesson, CorruptFeatures, NotLearnt.
        """
        self.counts.remove(features_of_lesson(lesson).tokens, lesson.is_spam)
        self.linear.unlearned += 1

    def adopt(self, trained: Trained) -> None:
        """Replace the linear models and the calibration by those of a training.

        Lessons that were learned during the training must have been given to `trained.linear` before.
        """
        self.linear, self.bayes = trained

    def opinion(self, features: Features, own: Evidence | None = None) -> Opinion | None:
        """The model's opinion of a message; None before the model is ready.

        `own` is the evidence of the account that the message is for.
        """
        if not self.is_ready:
            return None
        seen = self.counts.seen(features.tokens)
        if own is not None:
            seen = blend(seen, own.seen(features.tokens), OWN_WEIGHT)
        odds = bayes.log_odds(seen)
        return Opinion(
            bayes=self._bayes_probability(odds, seen),
            text=self.linear.text.probability(features.trigrams) if self._linear_is_ready else None,
            header=self.linear.header.probability(features.header) if self._linear_is_ready else None,
            words=bayes.deciding_words(features.tokens, odds, features.names),
            trained=self.trained,
            linear_trained=self.linear.trained,
        )

    def _bayes_probability(self, odds: bayes.LogOdds, seen: Seen) -> float:
        if not len(odds):
            return 0.5
        return probability(log_odds(bayes.message_score(odds), self.bayes, BAYES, seen.spam_seen, seen.ham_seen))

    @property
    def _linear_is_ready(self) -> bool:
        spam, ham, _ = self.linear.trained
        return min(spam, ham) >= ENOUGH and self.linear.unlearned <= TAKEN_BACK_SHARE * (spam + ham)
