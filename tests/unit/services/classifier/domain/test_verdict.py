"""Opinions → score and verdict."""

from __future__ import annotations

import pytest

from services.classifier.domain.linear import TrainedCounts
from services.classifier.domain.opinion import Opinion
from services.classifier.domain.score_table import band_of
from services.classifier.domain.verdict import NOTHING_SEEN, Hit, LessonsSeen, judge


def opinion(bayes: float, text: float | None = None, header: float | None = None) -> Opinion:
    return Opinion(
        bayes, text, header, (("viagra", 4.2), ("meeting", -1.0)), TrainedCounts(60, 70, 2), TrainedCounts(58, 66, 2)
    )


@pytest.mark.parametrize(
    ("probability", "name", "score"),
    [
        (0.0, "00", -3.0),
        (0.0099, "00", -3.0),
        (0.01, "01", -2.8),
        (0.4, "50", 0.0),
        (0.5, "50", 0.0),
        (0.5999, "50", 0.0),
        (0.6, "60", 0.6),
        (0.95, "95", 3.6),
        (0.9899, "98", 4.5),
        (0.99, "99", 5.0),
        (0.999, "999", 6.0),
        (1.0, "999", 6.0),
    ],
)
def test_the_table(probability: float, name: str, score: float) -> None:
    assert band_of(probability)[1:] == (name, score)


def test_scores_never_fall_as_the_probability_rises() -> None:
    scores = [band_of(step / 1000).score for step in range(1001)]
    assert scores == sorted(scores)


def test_bayes_from_99_percent_alone_reaches_the_threshold() -> None:
    assert judge(opinion(0.99)).is_spam
    assert not judge(opinion(0.9899)).is_spam


def test_no_opinion_is_no_test_and_no_point() -> None:
    verdict = judge(None)
    assert (verdict.score, verdict.tests, verdict.is_spam, verdict.words, verdict.trained) == (
        0,
        (),
        False,
        (),
        NOTHING_SEEN,
    )


def test_opinions_and_other_tests_add_up() -> None:
    verdict = judge(opinion(0.95, 0.5, 0.05), [Hit("USER_IN_BLACKLIST", 100.0, "The sender is blocked")], required=6.0)
    assert [(hit.name, hit.score) for hit in verdict.tests] == [
        ("BAYES_95", 3.6),
        ("TRIGRAM_50", 0.0),
        ("HEADER_05", -2.4),
        ("USER_IN_BLACKLIST", 100.0),
    ]
    assert (verdict.score, verdict.required, verdict.is_spam) == (101.2, 6.0, True)


def test_a_verdict_says_why_and_from_what() -> None:
    verdict = judge(opinion(0.95, 0.5, 0.5))
    assert verdict.words == (("viagra", 4.2), ("meeting", -1.0))
    assert verdict.trained == LessonsSeen(60, 70, 58, 66, 2)
    assert verdict.tests[0].description == "Bayes: probability of spam 0.9500"


def test_a_score_that_meets_the_threshold_is_spam_in_spite_of_binary_fractions() -> None:
    assert judge(None, [Hit("A", 3.2, ""), Hit("B", 1.7, ""), Hit("C", 0.1, "")]).is_spam
