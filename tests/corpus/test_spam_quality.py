"""The acceptance test of the classifier: a public corpus, a fixed seed, 500 lessons of each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.corpus.spam_corpus import ARCHIVE, mails
from tests.corpus.spam_quality import Quality, Sample, measure, samples
from tests.harness.shown import Show

SEEDS = (2026, 1, 2)
Measured = Mapping[tuple[int, int], Quality]


pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def corpus(test_data: Path) -> Sequence[Sample]:
    """All messages, tokenized once."""
    archive = test_data / ARCHIVE
    if not archive.is_file():
        pytest.skip(f"no spam corpus at {archive}")
    return samples(mails(archive))


@pytest.fixture(scope="module")
def measured(corpus: Sequence[Sample]) -> Measured:
    """The quality after 50 and 500 lessons of each label, by (lessons, seed)."""
    return {(count, seed): measure(corpus, count, seed) for count in (50, 500) for seed in SEEDS}


def test_the_corpus_is_whole(corpus: Sequence[Sample]) -> None:
    assert len(corpus) == 5839
    assert sum(sample.mail.kind == "hard_ham_1" for sample in corpus) > 200


def test_after_500_spam_and_500_ham(measured: Measured, show: Show) -> None:
    show("\n".join(str(quality) for quality in measured.values()))
    quality = measured[500, SEEDS[0]]
    assert quality.ham_in_spam <= 0.5
    assert quality.spam_in_inbox <= 8.0


def test_the_seed_is_not_a_lucky_one(measured: Measured) -> None:
    result = [measured[500, seed] for seed in SEEDS]
    assert sum(quality.ham_in_spam for quality in result) / len(result) <= 0.5
    assert sum(quality.spam_in_inbox for quality in result) / len(result) <= 8.0
    assert max(quality.roc for quality in result) <= 0.002


def test_fifty_of_each_already_help_and_do_no_harm(measured: Measured) -> None:
    result = [measured[50, seed] for seed in SEEDS]
    assert max(quality.ham_in_spam for quality in result) <= 1.5
    assert sum(quality.spam_in_inbox for quality in result) / len(result) <= 45.0
