"""Opinions and tests → the verdict on a message, which is recorded and never decided again."""

from collections.abc import Iterable, Iterator

import msgspec

from services.classifier.domain.opinion import Opinion
from services.classifier.domain.score_table import band_of

REQUIRED = 5.0


class Hit(msgspec.Struct, frozen=True, array_like=True):
    """A test that was met: its name as in X-Spam-Status, its points, what it says in words."""

    name: str
    score: float
    description: str


class LessonsSeen(msgspec.Struct, frozen=True, array_like=True):
    """Which training events the models of this verdict had seen: for Bayes and for the linear models the messages of
    each label, and the number of the training that the linear models and all middles stem from."""

    spam: int
    ham: int
    linear_spam: int
    linear_ham: int
    generation: int


NOTHING_SEEN = LessonsSeen(0, 0, 0, 0, 0)


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """The score against what is `required`, the tests that make it, and why Bayes thought so: `words`, strongest first,
    each with its log-odds (above 0: spam)."""

    score: float
    required: float
    is_spam: bool
    tests: tuple[Hit, ...]
    words: tuple[tuple[str, float], ...]
    trained: LessonsSeen


def judge(opinion: Opinion | None, tests: Iterable[Hit] = (), required: float = REQUIRED) -> Verdict:
    """The verdict from the model's opinion (None: it has none yet) and all other tests that were met."""
    met = (*opinion_tests(opinion), *tests)
    score = round(sum(test.score for test in met), 3)
    words = opinion.words if opinion else ()
    return Verdict(score, required, score >= required, met, words, _lessons_seen(opinion))


def opinion_tests(opinion: Opinion | None) -> Iterator[Hit]:
    """BAYES_nn, TRIGRAM_nn and HEADER_nn, by the score table."""
    if opinion is None:
        return
    yield _test("BAYES", "Bayes", opinion.bayes)
    if opinion.text is not None:
        yield _test("TRIGRAM", "Style of the text", opinion.text)
    if opinion.header is not None:
        yield _test("HEADER", "Style of the header", opinion.header)


def _test(prefix: str, who: str, probability: float) -> Hit:
    band = band_of(probability)
    return Hit(f"{prefix}_{band.name}", band.score, f"{who}: probability of spam {probability:.4f}")


def _lessons_seen(opinion: Opinion | None) -> LessonsSeen:
    if opinion is None:
        return NOTHING_SEEN
    spam, ham, _ = opinion.trained
    return LessonsSeen(spam, ham, *opinion.linear_trained)
