"""A search key as a test of a candidate. In a conjunction the cheap keys are asked first, bytes are read last."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import NamedTuple

from services.mailstore.domain.flags import parse
from services.mailstore.search.candidate import Candidate
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey

Test = Callable[[Candidate], bool]
_ROW, _HEADER, _BODY = 0, 1, 2
_DAY = 86_400_000_000
_SECOND = 1_000_000


class BadKey(ValueError):
    """The contract does not know this key."""


class Compiled(NamedTuple):
    """A test and what it costs: 0 looks at the row, 1 reads the header, 2 the body."""

    test: Test
    cost: int


def compile_key(key: SearchKey, now: int) -> Compiled:
    """The test of a key; `now` in UTC microseconds, for OLDER and YOUNGER. Raises BadKey."""
    if key.key in ("and", "or", "not"):
        return _combined(key, now)
    make = _KEYS.get(key.key)
    if make is None:
        raise BadKey(key.key)
    cost = {"header": _HEADER, "sentdate": _HEADER, "body": _BODY, "text": _BODY}.get(key.key, _ROW)
    return Compiled(make(key, now), cost)


def _combined(key: SearchKey, now: int) -> Compiled:
    parts = sorted((compile_key(inner, now) for inner in key.keys), key=lambda part: part.cost)
    tests = [part.test for part in parts]
    cost = max((part.cost for part in parts), default=_ROW)
    if key.key == "and":
        return Compiled(lambda candidate: all(test(candidate) for test in tests), cost)
    if key.key == "or":
        return Compiled(lambda candidate: any(test(candidate) for test in tests), cost)
    if len(tests) != 1:
        raise BadKey("not")
    return Compiled(lambda candidate: not tests[0](candidate), cost)


def _all(_key: SearchKey, _now: int) -> Test:
    return lambda _candidate: True


def _flag(key: SearchKey, _now: int) -> Test:
    wanted = bool(key.number)
    if key.name.lower() == "\\recent":
        return lambda _candidate: not wanted  # \Recent is never set here: IMAP4rev2 did away with it
    given = parse([key.name])
    if given.system:
        return lambda candidate: bool(candidate.row.system & given.system) == wanted
    word = given.keywords.lower()
    return lambda candidate: (word in candidate.row.keywords.lower().split()) == wanted


def _header(key: SearchKey, _now: int) -> Test:
    name, text = key.name.casefold(), key.text.casefold()
    return lambda candidate: any(text in value for value in candidate.values(name))


def _body(key: SearchKey, _now: int) -> Test:
    text = key.text.casefold()
    return lambda candidate: text in candidate.body


def _text(key: SearchKey, _now: int) -> Test:
    text = key.text.casefold()
    return lambda candidate: text in candidate.header or text in candidate.body or text in candidate.part_headers


def _uid(key: SearchKey, _now: int) -> Test:
    spans = sorted((span.first, span.last) for span in key.uids)
    firsts = [first for first, _ in spans]

    def test(candidate: Candidate) -> bool:
        at = bisect_right(firsts, candidate.row.uid) - 1
        return at >= 0 and spans[at][1] >= candidate.row.uid

    return test


def _day(key: SearchKey) -> tuple[int, int]:
    start = int(datetime.combine(date.fromisoformat(key.text), datetime.min.time(), UTC).timestamp()) * _SECOND
    return start, start + _DAY


def _moment(key: SearchKey) -> Callable[[int], bool]:
    start, end = _day(key)
    tests: dict[str, Callable[[int], bool]] = {
        "BEFORE": lambda moment: moment < start,
        "ON": lambda moment: start <= moment < end,
        "SINCE": lambda moment: moment >= start,
    }
    return tests[key.name]


def _internal_date(key: SearchKey, _now: int) -> Test:
    test = _moment(key)
    return lambda candidate: test(candidate.row.internal_date)


def _sent_date(key: SearchKey, _now: int) -> Test:
    test = _moment(key)
    return lambda candidate: (day := candidate.sent_day) is not None and test(day * _DAY)


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
    "header": _header,
    "body": _body,
    "text": _text,
    "uid": _uid,
    "internaldate": _internal_date,
    "sentdate": _sent_date,
    "larger": _larger,
    "smaller": _smaller,
    "older": _older,
    "younger": _younger,
    "modseq": _modseq,
    "emailid": _email_id,
    "threadid": _thread_id,
}
