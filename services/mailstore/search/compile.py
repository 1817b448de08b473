"""Compiles a search key to a test of a candidate.

In a conjunction the cheap keys are tested first. A key that needs text becomes a question, which `texts` answers when
the test needs it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import NamedTuple

from services.mailstore.domain.flags import parse
from services.mailstore.search.candidate import Candidate
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey

Test = Callable[[Candidate], bool | None]
"""Returns None when a question must be answered first."""
_DAY = 86_400_000_000
_SECOND = 1_000_000


class BadKey(ValueError):
    """A key that the contract does not know."""


class SearchQuestion(NamedTuple):
    """A text, or a day of the Date field, with which a search compares."""

    source: str
    """`field`: header fields of `name`; `date`: the Date field; `body` and `text`: what BODY and TEXT examine."""
    name: str
    text: str

    def holds(self, day: int) -> bool:
        """Whether a day satisfies a question about the date."""
        return _moment(self.name, self.text)(day * _DAY)


class Compiled(NamedTuple):
    """A test, the questions whose answers it needs, and the number of its keys."""

    test: Test
    questions: tuple[SearchQuestion, ...]
    keys: int


def compile_key(key: SearchKey, now: int) -> Compiled:
    """Compile a key; `now` in UTC microseconds is for OLDER and YOUNGER. Raises BadKey."""
    compiler = _Compiler(now)
    test = compiler.test(key)
    return Compiled(test, tuple(compiler.questions), compiler.keys)


class _Compiler:
    """Gives each distinct question a number."""

    def __init__(self, now: int) -> None:
        self._now = now
        self.questions: dict[SearchQuestion, int] = {}
        self.keys = 0

    def test(self, key: SearchKey) -> Test:
        self.keys += 1
        if key.key in ("and", "or", "not"):
            return self._combined(key)
        if key.key in _QUESTIONS:
            return self._question(_QUESTIONS[key.key](key))
        make = _KEYS.get(key.key)
        if make is None:
            raise BadKey(key.key)
        return make(key, self._now)

    def _combined(self, key: SearchKey) -> Test:
        tests = [self.test(inner) for inner in sorted(key.keys, key=lambda inner: inner.key in _QUESTIONS)]
        if key.key == "and":
            return lambda candidate: _all_of(tests, candidate)
        if key.key == "or":
            return lambda candidate: _any_of(tests, candidate)
        if len(tests) != 1:
            raise BadKey("not")
        return lambda candidate: None if (value := tests[0](candidate)) is None else not value

    def _question(self, question: SearchQuestion) -> Test:
        if not question.text and question.source != "field":
            return lambda _candidate: True  # the empty text occurs in every message
        number = self.questions.setdefault(question, len(self.questions))
        return lambda candidate: candidate.answers.get(number)


def _all_of(tests: list[Test], candidate: Candidate) -> bool | None:
    verdict: bool | None = True
    for test in tests:
        value = test(candidate)
        if value is False:
            return False
        if value is None:
            verdict = None
    return verdict


def _any_of(tests: list[Test], candidate: Candidate) -> bool | None:
    verdict: bool | None = False
    for test in tests:
        value = test(candidate)
        if value:
            return True
        if value is None:
            verdict = None
    return verdict


def _all(_key: SearchKey, _now: int) -> Test:
    return lambda _candidate: True


def _flag(key: SearchKey, _now: int) -> Test:
    requested = bool(key.number)
    if key.name.lower() == "\\recent":
        return lambda _candidate: not requested  # \Recent is never set in the store; IMAP4rev2 removed it
    given = parse([key.name])
    if given.system:
        return lambda candidate: bool(candidate.row.system & given.system) == requested
    word = given.keywords.lower()
    return lambda candidate: (word in candidate.keywords) == requested


def _uid(key: SearchKey, _now: int) -> Test:
    firsts, lasts = key.uids.bounds[::2], key.uids.bounds[1::2]

    def test(candidate: Candidate) -> bool:
        at = bisect_right(firsts, candidate.row.uid) - 1
        return at >= 0 and lasts[at] >= candidate.row.uid

    return test


def _moment(test: str, day: str) -> Callable[[int], bool]:
    start = int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp()) * _SECOND
    tests: dict[str, Callable[[int], bool]] = {
        "BEFORE": lambda moment: moment < start,
        "ON": lambda moment: start <= moment < start + _DAY,
        "SINCE": lambda moment: moment >= start,
    }
    return tests[test]


def _internal_date(key: SearchKey, _now: int) -> Test:
    test = _moment(key.name, key.text)
    return lambda candidate: test(candidate.row.internal_date)


def _larger(key: SearchKey, _now: int) -> Test:
    return lambda candidate: candidate.row.size > key.number


def _smaller(key: SearchKey, _now: int) -> Test:
    return lambda candidate: candidate.row.size < key.number


def _older(key: SearchKey, now: int) -> Test:
    moment = now - key.number * _SECOND
    return lambda candidate: candidate.row.internal_date <= moment


def _younger(key: SearchKey, now: int) -> Test:
    moment = now - key.number * _SECOND
    return lambda candidate: candidate.row.internal_date >= moment


def _modseq(key: SearchKey, _now: int) -> Test:
    return lambda candidate: candidate.row.modseq >= key.number


def _email_id(key: SearchKey, _now: int) -> Test:
    return lambda candidate: candidate.row.content == key.text


def _thread_id(key: SearchKey, _now: int) -> Test:
    return lambda candidate: candidate.row.thread == key.text


_KEYS: dict[str, Callable[[SearchKey, int], Test]] = {
    "all": _all,
    "flag": _flag,
    "uid": _uid,
    "internaldate": _internal_date,
    "larger": _larger,
    "smaller": _smaller,
    "older": _older,
    "younger": _younger,
    "modseq": _modseq,
    "emailid": _email_id,
    "threadid": _thread_id,
}
_QUESTIONS: dict[str, Callable[[SearchKey], SearchQuestion]] = {
    "header": lambda key: SearchQuestion("field", key.name.casefold(), key.text.casefold()),
    "body": lambda key: SearchQuestion("body", "", key.text.casefold()),
    "text": lambda key: SearchQuestion("text", "", key.text.casefold()),
    "sentdate": lambda key: SearchQuestion("date", key.name, key.text),
}
