"""Lines about the verdict and lessons: the sum of the score, and the deciding words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailfold.trace.names import Names
from shared.events import spam
from shared.events.spam import ListVerdict, RecordedVerdict, Test, Word

_WORDS = 12


def classified(event: spam.MailClassified, names: Names) -> Iterator[str]:
    """The verdict with its sum."""
    verdict = event.verdict
    yield f"{'spam' if verdict.spam else 'not spam'}: {verdict.score:.2f} of {verdict.required:.2f} required"
    yield from _sum(verdict)
    for own in verdict.lists:
        yield from _own_list(own, names)
    if verdict.words:
        yield (
            f"  words of {verdict.spam_seen} spam and {verdict.ham_seen} ham seen, probability "
            f"{verdict.probability:.4f}"
        )
        yield from _words(verdict.words)
    if verdict.account:
        yield (
            f"  lessons of {names.of(verdict.account)} counted more: {verdict.own_spam} spam and {verdict.own_ham} ham"
        )
    if verdict.second_probability != 0.5:
        yield f"  second opinion (byte trigrams of the text): {verdict.second_probability:.4f}"
    if verdict.model:
        yield f"  model {verdict.model}"


def _own_list(own: ListVerdict, names: Names) -> Iterator[str]:
    """The verdict for accounts with lists of their own."""
    whose = ", ".join(names.of(account) for account in own.accounts[: len(own.patterns)])
    more = f" and {len(own.accounts) - len(own.patterns)} more" if len(own.accounts) > len(own.patterns) else ""
    kind = "spam" if own.spam else "not spam"
    yield f"  for {whose}{more}: {kind}, {own.score:.2f} with {own.test} of the own list ({', '.join(own.patterns)})"


def learned(event: spam.LessonLearned, names: Names) -> Iterator[str]:
    """A lesson was taught."""
    what = "taken back" if event.label == "none" else f"learnt as {event.label}"
    yield f"lesson {what} by {names.of(event.account)} (before: {event.previous})"


def forgotten(event: spam.LessonForgotten, names: Names) -> Iterator[str]:
    """A lesson was removed by an operator."""
    yield f"lesson of {names.of(event.account)} taken out of the model (it was {event.previous})"


def _sum(verdict: RecordedVerdict) -> Iterator[str]:
    tests: Sequence[Test] = verdict.tests
    width = max((len(test.name) for test in tests), default=0)
    for test in tests:
        yield f"  {test.score:+7.2f}  {test.name:<{width}}  {test.description}".rstrip()
    if tests:
        total = sum(test.score for test in tests)
        # When the tests do not add up to the recorded score, the difference is shown: the recorded score was the one
        # that decided.
        apart = "" if abs(total - verdict.score) < 0.005 else f"  (recorded {verdict.score:+.2f})"
        yield f"  {total:+7.2f}  sum{apart}"


def _words(words: Sequence[Word]) -> Iterator[str]:
    strongest = sorted(words, key=lambda word: -abs(word.weight))[:_WORDS]
    for word in strongest:
        yield f"    {word.weight:+7.3f}  {word.word}"
