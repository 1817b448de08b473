"""A training always ends, and uses every example in each pass."""

from __future__ import annotations

import pytest

from services.classifier.domain.calibration import BAYES
from services.classifier.domain.features import features
from services.classifier.domain.linear import TrainedCounts
from services.classifier.domain.training import Example, Training, train
from shared.protocol.message.scan import scan


def example(number: int, *, spam: bool) -> Example:
    """A numbered example with the words of its label."""
    words = b"cheap pills, click now" if spam else b"see you at the meeting"
    body = b"Subject: event %d\r\n\r\n%s\r\n" % (number, words)
    return Example(features(body, scan(body)), spam)


def test_nothing_taught_is_trained_at_once() -> None:
    training = Training([], 3)
    assert sum(1 for _ in training.run()) == 0
    assert training.result().linear.trained == TrainedCounts(0, 0, 3)
    assert training.result().bayes == BAYES.untrained


@pytest.mark.parametrize("spam", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 34])
def test_one_side_alone_is_trained_and_keeps_the_rule(count: int, spam: bool) -> None:
    trained = train([example(number, spam=spam) for number in range(count)], 1)
    assert trained.linear.trained == TrainedCounts(count * spam, count * (not spam), 1)
    assert trained.bayes == BAYES.untrained


@pytest.mark.parametrize("count", [2, 3, 7, 55])
def test_what_it_was_taught_it_tells_apart(count: int) -> None:
    examples = [example(number, spam=number % 2 == 0) for number in range(2 * count)]
    text = train(examples, 1).linear.text
    margins = [(text.margin(result.features.trigrams), result.is_spam) for result in examples]
    assert min(margin for margin, is_spam in margins if is_spam) > max(
        margin for margin, is_spam in margins if not is_spam
    )
