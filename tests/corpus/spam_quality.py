"""How well the classifier separates spam from ham on a corpus.

`python -m tests.corpus.spam_quality` prints the figures.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from services.classifier.domain.features import Features, features
from services.classifier.domain.lesson import Label, lesson_of
from services.classifier.domain.model import Model
from services.classifier.domain.training import example_of, train
from services.classifier.domain.verdict import judge
from shared.protocol.message.scan import scan
from tests.corpus.spam_corpus import ARCHIVE, RenderedMail, mails, split
from tests.parts import test_data


class Sample(NamedTuple):
    """A message as the classifier examines it."""

    mail: RenderedMail
    features: Features

    @property
    def is_spam(self) -> bool:
        """Whether the people who made the corpus called it spam."""
        return self.mail.is_spam


class Quality(NamedTuple):
    """Shares in percent; `roc` is the area above the ROC curve, 0 being perfect."""

    taught: int
    seed: int
    ham: int
    spam: int
    ham_in_spam: float
    spam_in_inbox: float
    roc: float
    milliseconds: float

    def __str__(self) -> str:
        return (
            f"seed {self.seed:2}, taught {self.taught}+{self.taught}, on {self.ham} ham + {self.spam} spam: ham in "
            f"Spam {self.ham_in_spam:.2f} %, "
            f"spam in INBOX {self.spam_in_inbox:.2f} %, 1-AUC {self.roc:.5f}, {self.milliseconds:.2f} ms a verdict"
        )


def samples(corpus: Sequence[RenderedMail]) -> list[Sample]:
    """The features of all messages."""
    return [Sample(mail, features(mail.body, scan(mail.body))) for mail in corpus]


def taught(lessons: Sequence[Sample]) -> Model:
    """A model that was taught these lessons in this order, and trained afterwards."""
    model = Model()
    events = [lesson_of(sample.features, Label.SPAM if sample.is_spam else Label.HAM, "account") for sample in lessons]
    for event in events:
        model.learn(event)
    model.adopt(train([example_of(event) for event in events], 1))
    return model


def measure(corpus: Sequence[Sample], count: int, seed: int) -> Quality:
    """Teach `count` of both labels, and judge the others."""
    lessons, rest = split(corpus, count, seed)
    model = taught(lessons)
    started = time.process_time()
    verdicts = [judge(model.opinion(sample.features)) for sample in rest]
    spent = time.process_time() - started
    spam = [verdict for sample, verdict in zip(rest, verdicts, strict=True) if sample.is_spam]
    ham = [verdict for sample, verdict in zip(rest, verdicts, strict=True) if not sample.is_spam]
    return Quality(
        count,
        seed,
        len(ham),
        len(spam),
        100 * sum(verdict.is_spam for verdict in ham) / len(ham),
        100 * sum(not verdict.is_spam for verdict in spam) / len(spam),
        area_above([verdict.score for verdict in spam], [verdict.score for verdict in ham]),
        1000 * spent / len(rest),
    )


def area_above(spam: Sequence[float], ham: Sequence[float]) -> float:
    """The probability that a ham scores above a spam, where ties count half (Mann and Whitney)."""
    ranked = sorted([(score, True) for score in spam] + [(score, False) for score in ham])
    wrong, ham_below, at = 0.0, 0, 0
    while at < len(ranked):
        tied = _ties(ranked, at)
        spam_tied = sum(tied)
        ham_tied = len(tied) - spam_tied
        wrong += spam_tied * (len(ham) - ham_below - ham_tied / 2)
        ham_below += ham_tied
        at += len(tied)
    return wrong / (len(spam) * len(ham))


def _ties(ranked: Sequence[tuple[float, bool]], at: int) -> list[bool]:
    end = at
    while end < len(ranked) and ranked[end][0] == ranked[at][0]:
        end += 1
    return [is_spam for _, is_spam in ranked[at:end]]


def main() -> None:
    """Print the figures for as many seeds as the first argument says."""
    corpus = samples(mails(test_data.folder() / ARCHIVE))
    for item in (50, 500):
        for seed in range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 4)):
            print(measure(corpus, item, seed), flush=True)


if __name__ == "__main__":
    main()
