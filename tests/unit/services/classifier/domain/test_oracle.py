"""Our counts and training compared with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sample_mails import made

from services.classifier.domain import bayes
from services.classifier.domain.calibration import TEXT
from services.classifier.domain.evidence import TokenCounts
from services.classifier.domain.features import Features
from services.classifier.domain.hashing import TOKEN_SIZE, TRIGRAM_SIZE, Indices
from services.classifier.domain.linear import COST
from services.classifier.domain.training import Example, train

naive_bayes = pytest.importorskip("sklearn.naive_bayes")
sparse = pytest.importorskip("scipy.sparse")

EVENTS = [(made(is_spam, number), is_spam) for number in range(40) for is_spam in (True, False)]
SIDES = [is_spam for _, is_spam in EVENTS]
UNSEEN = [made(is_spam, number) for number in range(500, 530) for is_spam in (True, False)]


def matrix(sets: list[Indices], size: int, scaled: bool = False):  # type: ignore[no-untyped-def]
    ends = np.cumsum([0] + [len(indices) for indices in sets])
    values = np.concatenate([np.full(len(indices), 1 / np.sqrt(len(indices)) if scaled else 1.0) for indices in sets])
    return sparse.csr_matrix((values, np.concatenate(sets).astype(np.int64), ends), shape=(len(sets), size))


def counted(trained: list[tuple[Features, bool]]) -> TokenCounts:
    counts = TokenCounts()
    for result, is_spam in trained:
        counts.add(result.tokens, is_spam)
    return counts


def test_counts_are_those_of_multinomial_bayes_and_negative_weights_unlearn() -> None:
    oracle = naive_bayes.MultinomialNB()
    tokens = matrix([result.tokens for result, _ in EVENTS], TOKEN_SIZE)
    oracle.partial_fit(tokens, SIDES, classes=[False, True])
    oracle.partial_fit(tokens[:10], SIDES[:10], sample_weight=-np.ones(10))
    counts = counted(EVENTS)
    for result, is_spam in EVENTS[:10]:
        counts.remove(result.tokens, is_spam)
    assert np.array_equal(oracle.feature_count_[0], counts.ham)
    assert np.array_equal(oracle.feature_count_[1], counts.spam)


def test_log_odds_are_those_of_bernoulli_bayes_when_both_sides_are_equal() -> None:
    oracle = naive_bayes.BernoulliNB(alpha=bayes.SMOOTHING)
    oracle.fit(matrix([result.tokens for result, _ in EVENTS], TOKEN_SIZE), SIDES)
    ratio = oracle.feature_log_prob_[1] - oracle.feature_log_prob_[0]
    counts = counted(EVENTS)
    for result in UNSEEN:
        assert np.allclose(bayes.log_odds(counts.seen(result.tokens)), ratio[result.tokens])


def test_log_odds_are_those_of_multinomial_bayes_but_for_a_constant() -> None:
    oracle = naive_bayes.MultinomialNB(alpha=bayes.SMOOTHING)
    oracle.fit(matrix([result.tokens for result, _ in EVENTS], TOKEN_SIZE), SIDES)
    ratio = oracle.feature_log_prob_[1] - oracle.feature_log_prob_[0]
    counts = counted(EVENTS)
    differences = np.concatenate(
        [bayes.log_odds(counts.seen(result.tokens)) - ratio[result.tokens] for result in UNSEEN]
    )
    assert np.allclose(differences, differences[0])


def test_the_linear_model_is_that_of_liblinear() -> None:
    svm = pytest.importorskip("sklearn.svm")
    oracle = svm.LinearSVC(C=COST, loss="squared_hinge", max_iter=10_000, tol=1e-8)
    oracle.fit(matrix([result.trigrams for result, _ in EVENTS], TRIGRAM_SIZE, scaled=True), SIDES)
    model = train([Example(result, is_spam) for result, is_spam in EVENTS], 1).linear.text
    assert model.rule is TEXT
    ours = np.array([model.margin(result.trigrams) for result in UNSEEN])
    theirs = oracle.decision_function(matrix([result.trigrams for result in UNSEEN], TRIGRAM_SIZE, scaled=True))
    assert np.abs(ours - theirs).max() < 0.05
