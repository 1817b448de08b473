"""Words occur with the frequencies of natural language."""

from __future__ import annotations

import random
from collections import Counter

from loadtest.content import vocabulary


def test_few_words_make_half_of_a_text_and_many_come_once() -> None:
    drawn = Counter(vocabulary.ordinary().draw(random.Random(1), 20_000))
    common = sum(count for _, count in drawn.most_common(150))
    assert 0.35 < common / 20_000 < 0.65
    assert sum(count == 1 for count in drawn.values()) > 1000


def test_frequency_falls_as_one_over_rank() -> None:
    counts = [count for _, count in Counter(vocabulary.ordinary().draw(random.Random(2), 200_000)).most_common(200)]
    assert 6 < counts[9] / counts[120] < 14


def test_spam_and_ordinary_mail_have_different_words() -> None:
    assert "jackpot" in vocabulary.spam().words and "jackpot" not in vocabulary.ordinary().words
    assert len(vocabulary.spam().words) == len(set(vocabulary.spam().words))
