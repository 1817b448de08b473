"""Combines opinions and tests to the verdict on a message, which is recorded and never decided again."""

from collections.abc import Iterable, Iterator

import msgspec

from services.classifier.domain.opinion import Opinion
from services.classifier.domain.score_table import band_of

REQUIRED = 5.0


class Hit(msgspec.Struct, frozen=True, array_like=True):
    """A test that matched: its name as in X-Spam-Status, its points, and its description."""

    name: str
    score: float
    description: str


class LessonsSeen(msgspec.Struct, frozen=True, array_like=True):
    """The lessons that the models of a verdict had seen.

    It counts the messages of each label for Bayes and for the linear models, and has the number of the training that
    made the linear models and the calibration.
    """

    spam: int
    ham: int
    linear_spam: int
    linear_ham: int
    generation: int


NOTHING_SEEN = LessonsSeen(0, 0, 0, 0, 0)


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """The verdict: the score, the score that is `required` for spam, the tests that matched, and the deciding words.

    `words` are strongest first, each with its log-odds (above 0: spam).
    """

    score: float
    required: float
    is_spam: bool
    tests: tuple[Hit, ...]
    words: tuple[tuple[str, float], ...]
    trained: LessonsSeen


def judge(opinion: Opinion | None, tests: Iterable[Hit] = (), required: float = REQUIRED) -> Verdict:
    """The verdict from the model's opinion (None: it has no opinion yet) and all other tests that matched."""
    met = (*opinion_tests(opinion), *tests)
    score = round(sum(test.score for test in met), 3)
    words = opinion.words if opinion else ()
    return Verdict(score, required, score >= required, met, words, _lessons_seen(opinion))


def opinion_tests(opinion: Opinion | None) -> Iterator[Hit]:
    """The tests BAYES_nn, TRIGRAM_nn and HEADER_nn, from the score table."""
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
