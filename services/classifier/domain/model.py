"""The shared model: evidence for Bayes and the second opinion, learning and unlearning lessons."""

from services.classifier.domain import bayes
from services.classifier.domain.evidence import Evidence, TokenCounts, blend
from services.classifier.domain.features import TOKENIZER_VERSION, Features
from services.classifier.domain.lesson import Lesson
from services.classifier.domain.opinion import Opinion
from services.classifier.domain.second_opinion import Facts, TrigramModel
from services.classifier.domain.training import Example, Trained

# Neither side is believed before that many messages of both have been seen.
ENOUGH = 50
# How much more an account's own lessons count for its mail than those of others.
OWN_WEIGHT = 4.0


class StaleLesson(ValueError):
    """A lesson of another tokenizer version: its indices mean other tokens."""


class Model:
    """What was taught. After `unlearn(lesson)` the evidence equals that of a model which never saw the lesson."""

    def __init__(self) -> None:
        self.counts = TokenCounts()
        self.second = TrigramModel()
        self.bayes_shift = 0.0

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
    def facts(self) -> Facts:
        """Which facts Bayes has seen, and the training that its middle stems from."""
        return Facts(self.spam_seen, self.ham_seen, self.second.facts.generation)

    def learn(self, lesson: Lesson) -> None:
        """Learn at once. Raises StaleLesson, CorruptFeatures."""
        found = current_features(lesson)
        self.counts.add(found.tokens, lesson.is_spam)
        self.second.learn(found.trigrams, lesson.is_spam)

    def unlearn(self, lesson: Lesson) -> None:
        """Take a lesson back, exactly; the second opinion waits for its training. Raises StaleLesson, CorruptFeatures, NotLearnt."""
        self.counts.remove(current_features(lesson).tokens, lesson.is_spam)

    def adopt(self, trained: Trained) -> None:
        """Take over what a training gave. Lessons learnt since it began have to be given to `trained.second` before."""
        self.second, self.bayes_shift = trained

    def opinion(self, found: Features, own: Evidence | None = None) -> Opinion | None:
        """What the model thinks of a message, `own` being the evidence of the account it is for; None before it is ready."""
        if not self.is_ready:
            return None
        seen = self.counts.seen(found.tokens)
        if own is not None:
            seen = blend(seen, own.seen(found.tokens), OWN_WEIGHT)
        odds = bayes.log_odds(seen)
        return Opinion(
            bayes=bayes.logistic(bayes.message_log_odds(odds, seen) - self.bayes_shift) if len(odds) else 0.5,
            second=self._second(found),
            words=bayes.deciding_words(found.tokens, odds, found.words),
            facts=self.facts,
            second_facts=self.second.facts,
        )

    def _second(self, found: Features) -> float | None:
        return self.second.probability(found.trigrams) if min(self.second.facts[:2]) >= ENOUGH else None


def current_features(lesson: Lesson) -> Features:
    """The features of a lesson of this tokenizer. Raises StaleLesson, CorruptFeatures."""
    if lesson.tokenizer_version != TOKENIZER_VERSION:
        raise StaleLesson(f"tokenizer version {lesson.tokenizer_version}, not {TOKENIZER_VERSION}")
    return lesson.features()


def example_of(lesson: Lesson) -> Example:
    """A lesson as the training takes it. Raises StaleLesson, CorruptFeatures."""
    return Example(current_features(lesson), lesson.is_spam)
