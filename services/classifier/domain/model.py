"""The shared model: Bayes evidence and the second opinion, learning and unlearning lessons."""

from services.classifier.domain import bayes
from services.classifier.domain.evidence import Evidence, TokenCounts, blend
from services.classifier.domain.features import TOKENIZER_VERSION, Features
from services.classifier.domain.lesson import Lesson
from services.classifier.domain.opinion import Opinion
from services.classifier.domain.second_opinion import Example, Facts, TrigramModel

# Neither side is believed before that many messages of both have been seen.
ENOUGH = 50
# How much more an account's own lessons count for its mail than those of others.
OWN_WEIGHT = 4.0


class StaleLesson(ValueError):
    """A lesson of another tokenizer version: its indices mean other tokens."""


class Model:
    """What was taught. After `unlearn(lesson)` the evidence equals that of a model which never saw the lesson."""

    def __init__(self, second: TrigramModel | None = None) -> None:
        self.counts = TokenCounts()
        self.second = second or TrigramModel()

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
        """Which facts an opinion given now has seen."""
        return Facts(self.spam_seen, self.ham_seen, self.second.facts.generation)

    def learn(self, lesson: Lesson) -> None:
        """Learn at once. Raises StaleLesson, CorruptFeatures."""
        found = _current(lesson)
        self.counts.add(found.tokens, lesson.is_spam)
        self.second.learn(Example(found.trigrams, lesson.is_spam))

    def unlearn(self, lesson: Lesson) -> None:
        """Take a lesson back, exactly; the second opinion waits for its rebuild. Raises StaleLesson, CorruptFeatures, NotLearnt."""
        self.counts.remove(_current(lesson).tokens, lesson.is_spam)

    def opinion(self, found: Features, own: Evidence | None = None) -> Opinion | None:
        """What the model thinks of a message, `own` being the evidence of the account it is for; None before it is ready."""
        if not self.is_ready:
            return None
        seen = self.counts.seen(found.tokens)
        if own is not None:
            seen = blend(seen, own.seen(found.tokens), OWN_WEIGHT)
        odds = bayes.log_odds(seen)
        return Opinion(
            bayes=bayes.probability(odds, seen),
            second=self._second(found),
            words=bayes.deciding_words(found.tokens, odds, found.words),
            facts=self.facts,
            second_facts=self.second.facts,
        )

    def _second(self, found: Features) -> float:
        spam, ham, _ = self.second.facts
        return self.second.probability(found.trigrams) if min(spam, ham) >= ENOUGH else 0.5


def _current(lesson: Lesson) -> Features:
    if lesson.tokenizer_version != TOKENIZER_VERSION:
        raise StaleLesson(f"tokenizer version {lesson.tokenizer_version}, not {TOKENIZER_VERSION}")
    return lesson.features()
