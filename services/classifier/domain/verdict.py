"""Opinions and tests → the verdict on a message, which is recorded and never decided again."""

from collections.abc import Iterable, Iterator

import msgspec

from services.classifier.domain.opinion import Opinion
from services.classifier.domain.score_table import band_of

REQUIRED = 5.0


class Test(msgspec.Struct, frozen=True, array_like=True):
    """A test that was met: its name as in X-Spam-Status, its points, what it says in words."""

    name: str
    score: float
    description: str


class FactsSeen(msgspec.Struct, frozen=True, array_like=True):
    """Which training facts the models of this verdict had seen: for Bayes and for the second opinion the messages of each
    label, and the number of the training that the second opinion and both middles stem from."""

    spam: int
    ham: int
    second_spam: int
    second_ham: int
    generation: int


NOTHING_SEEN = FactsSeen(0, 0, 0, 0, 0)


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """The score against what is `required`, the tests that make it, and why Bayes thought so: `words`, strongest first, each
    with its log-odds (above 0: spam)."""

    score: float
    required: float
    is_spam: bool
    tests: tuple[Test, ...]
    words: tuple[tuple[str, float], ...]
    facts: FactsSeen


def judge(opinion: Opinion | None, tests: Iterable[Test] = (), required: float = REQUIRED) -> Verdict:
    """The verdict from the model's opinion (None: it has none yet) and all other tests that were met."""
    met = (*opinion_tests(opinion), *tests)
    score = round(sum(test.score for test in met), 3)
    words = opinion.words if opinion else ()
    return Verdict(score, required, score >= required, met, words, _facts_seen(opinion))


def opinion_tests(opinion: Opinion | None) -> Iterator[Test]:
    """BAYES_nn and TRIGRAM_nn, by the score table."""
    if opinion is None:
        return
    yield _test("BAYES", "Bayes", opinion.bayes)
    if opinion.second is not None:
        yield _test("TRIGRAM", "Second opinion", opinion.second)


def _test(prefix: str, who: str, probability: float) -> Test:
    band = band_of(probability)
    return Test(f"{prefix}_{band.name}", band.score, f"{who}: probability of spam {probability:.4f}")


def _facts_seen(opinion: Opinion | None) -> FactsSeen:
    if opinion is None:
        return NOTHING_SEEN
    spam, ham, _ = opinion.facts
    return FactsSeen(spam, ham, *opinion.second_facts)
