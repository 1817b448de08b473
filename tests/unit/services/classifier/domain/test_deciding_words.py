"""The words that explain a verdict are the strongest, in order; of equally strong words the first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.domain.bayes import WORDS_KEPT, deciding_words
from services.classifier.domain.hashing import NO_INDICES
from services.classifier.domain.token_names import TokenNames

WEIGHTS = st.lists(st.sampled_from([-3.0, -1.5, -0.25, 0.25, 1.5, 2.0, 3.0]), max_size=60)


@given(WEIGHTS)
def test_the_strongest_words_in_order(weights: list[float]) -> None:
    tokens = np.arange(len(weights), dtype=np.uint32)
    names = TokenNames([b"w%d" % number for number in range(len(weights))], tokens, NO_INDICES, [])
    in_order = sorted(range(len(weights)), key=lambda at: -abs(weights[at]))
    expected = tuple((f"w{at}", weights[at]) for at in in_order[:WORDS_KEPT])
    assert deciding_words(tokens, np.array(weights, np.float64), names) == expected


def test_a_pair_is_named_by_both_its_words() -> None:
    tokens = [b"subject:one", b"subject:two", b"has:to", b"free", b"money", b"now"]
    pairs = np.array([100, 101, 102], np.uint32)
    names = TokenNames(tokens, np.arange(6, dtype=np.uint32), pairs, [(0, 2), (3, 3), (3, 6)])
    assert names.find(np.array([102, 3, 100, 101, 99], np.uint32)) == [
        "money now",
        "free",
        "subject:one subject:two",
        "free money",
        None,
    ]
