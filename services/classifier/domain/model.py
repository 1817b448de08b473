"""The shared model: evidence for Bayes and the linear models beside it, learning and unlearning lessons."""

from services.classifier.domain import bayes
from services.classifier.domain.calibration import BAYES, log_odds, probability
from services.classifier.domain.evidence import Evidence, Seen, TokenCounts, blend
from services.classifier.domain.features import Features
from services.classifier.domain.lesson import Lesson, features_of_lesson
from services.classifier.domain.linear import TrainedCounts
from services.classifier.domain.linear_pair import LinearPair
from services.classifier.domain.opinion import Opinion
from services.classifier.domain.training import Trained

# Neither side is believed before that many messages of both have been seen.
ENOUGH = 50
# How much more an account's own lessons count for its mail than those of others.
OWN_WEIGHT = 4.0
# The linear models cannot unlearn: when more lessons than this share of what they hold were taken back since their
# training, they are not asked. Lessons that their training did not look at do not count.
TAKEN_BACK_SHARE = 0.02


class Model:
    """What was taught. After `unlearn(lesson)` the evidence equals that of a model which never saw the lesson."""

    def __init__(self) -> None:
        self.counts = TokenCounts()
        self.linear = LinearPair.untaught()
        self.bayes = BAYES.untrained

    @property
    def spam_seen(self) -> int:
        """Messages taught as spam."""
        return self.counts.spam_seen

    @property
    def ham_seen(self) -> int:
        """Messages taught as ham."""
        return self.counts.ham_seen

    @property
    def is_ready(self) -> bool:
        """Whether enough was seen of both sides to have an opinion."""
        return min(self.spam_seen, self.ham_seen) >= ENOUGH

    @property
    def trained(self) -> TrainedCounts:
        """Which events Bayes has seen, and the training that its middle stems from."""
        return TrainedCounts(self.spam_seen, self.ham_seen, self.linear.trained.generation)

    def learn(self, lesson: Lesson) -> None:
        """Learn at once. Raises StaleLesson, CorruptFeatures."""
        features = features_of_lesson(lesson)
        self.counts.add(features.tokens, lesson.is_spam)
        self.linear.learn(features, lesson.is_spam)

    def unlearn(self, lesson: Lesson) -> None:
        """Take a lesson back, exactly; the linear models wait for their training. Raises StaleLesson, CorruptFeatures,
        NotLearnt.
        """
        self.counts.remove(features_of_lesson(lesson).tokens, lesson.is_spam)
        self.linear.taken_back += 1

    def adopt(self, trained: Trained) -> None:
        """Take over what a training gave. Lessons learnt since it began have to be given to `trained.linear` before."""
        self.linear, self.bayes = trained

    def opinion(self, features: Features, own: Evidence | None = None) -> Opinion | None:
        """What the model thinks of a message, `own` being the evidence of the account it is for; None before it is
        ready.
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
        return min(spam, ham) >= ENOUGH and self.linear.taken_back <= TAKEN_BACK_SHARE * (spam + ham)
