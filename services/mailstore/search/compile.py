"""Compiles a search key to a test of a candidate.

In a conjunction the cheap keys are tested first. A key that needs text becomes a question, which `texts` answers when
the test needs it.
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, assert_never

import msgspec

from services.mailstore.domain.flags import parse
from services.mailstore.search.candidate import Candidate
from services.mailstore.search.query_questions import (
    AttachmentQuestion,
    AttachmentTextQuestion,
    FilenameQuestion,
    PhraseQuestion,
    StructureQuestion,
    indexed_query_question,
)
from shared.protocol.message.folding import fold
from shared.protocol.search.fuzzy import FuzzyField, fuzzy_field, fuzzy_pieces
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import DayTest, SearchKey, SearchKeys, UidSet

Test = Callable[[Candidate], bool | None]
"""Returns None when a question must be answered first."""
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_COMPARISONS: Mapping[DayTest.Relation.ValueType, Callable[[int, int], bool]] = {
    DayTest.BEFORE: operator.lt,
    DayTest.ON: operator.eq,
    DayTest.SINCE: operator.ge,
}
_NumberKey = Literal["larger", "smaller", "older", "younger", "modseq", "received_since", "received_before"]
_QUESTIONS = frozenset(
    {"header", "body", "text", "sent_date", "words", "attachment_text", "has_attachment", "filename"}
)
_RowKey = Literal["flag", "uids", "internal_date", "saved_date", "email_id", "thread_id"] | _NumberKey


class BadKey(ValueError):
    """A key that the contract does not know."""


class FieldQuestion(msgspec.Struct, frozen=True):
    """Whether a header field of this name contains the text."""

    name: str
    text: str


class DateQuestion(msgspec.Struct, frozen=True):
    """How the day of the Date field, in days since 1970-01-01, compares with this day."""

    compare: Callable[[int, int], bool]
    day: int

    def holds(self, day: int) -> bool:
        """Whether a day satisfies the question."""
        return self.compare(day, self.day)


class BodyQuestion(msgspec.Struct, frozen=True):
    """Whether what BODY examines contains the text."""

    text: str


class TextQuestion(msgspec.Struct, frozen=True):
    """Whether what TEXT examines contains the text."""

    text: str


class FuzzyQuestion(msgspec.Struct, frozen=True):
    """Whether the words of the text are found there (RFC 6203)."""

    field: FuzzyField
    text: str


IndexedQuestion = FieldQuestion | BodyQuestion | TextQuestion | FuzzyQuestion | PhraseQuestion | AttachmentTextQuestion
SearchQuestion = IndexedQuestion | DateQuestion | StructureQuestion


class Compiled(NamedTuple):
    """A test, the questions whose answers it needs, and the number of its keys."""

    test: Test
    questions: tuple[SearchQuestion, ...]
    keys: int
    examines_rows: bool
    """Whether the test looks at more of a message than the answers."""


def text_question(key: SearchKey) -> IndexedQuestion | None:
    """The question of a key about texts; None when every message contains the text, because it is empty."""
    if key.WhichOneof("key") in ("words", "attachment_text"):
        return indexed_query_question(key)
    question = fuzzy_question(key) if key.fuzzy else None
    return question if question is not None else _exact_question(key)


def fuzzy_question(key: SearchKey) -> FuzzyQuestion | None:
    """The question of a FUZZY key; None when it asks for an exact text, because it has no words, or because no words
    are kept of that header field."""
    match key.WhichOneof("key"):
        case "header":
            field, text = fuzzy_field(fold(key.header.field)), key.header.text
        case "body":
            field, text = FuzzyField.BODY, key.body
        case "text":
            field, text = FuzzyField.ANYWHERE, key.text
        case _:
            return None
    return FuzzyQuestion(field, text) if field is not None and fuzzy_pieces(text) else None


def _exact_question(key: SearchKey) -> FieldQuestion | BodyQuestion | TextQuestion | None:
    match key.WhichOneof("key"):
        case "header":
            return FieldQuestion(fold(key.header.field), fold(key.header.text))
        case "body":
            return BodyQuestion(fold(key.body)) if key.body else None
        case "text":
            return TextQuestion(fold(key.text)) if key.text else None
        case _:
            raise BadKey("the key is not about texts")


def compile_key(key: SearchKey, now: int) -> Compiled:
    """Compile a key; `now` in UTC microseconds is for OLDER and YOUNGER. Raises BadKey."""
    compiler = _Compiler(now)
    test = compiler.test(key)
    return Compiled(test, tuple(compiler.questions), compiler.keys, compiler.examines_rows)


class _Compiler:
    """Gives each distinct question a number."""

    def __init__(self, now: int) -> None:
        self._now = now
        self.questions: dict[SearchQuestion, int] = {}
        self.keys = 0
        self.examines_rows = False

    def test(self, key: SearchKey) -> Test:
        self.keys += 1 + key.negated
        test = self._positive(key)
        return (lambda candidate: _not(test(candidate))) if key.negated else test

    def _positive(self, key: SearchKey) -> Test:
        kind = key.WhichOneof("key")
        match kind:
            case "all_of":
                tests = self._tests(key.all_of)
                return lambda candidate: _all_of(tests, candidate)
            case "any_of":
                tests = self._tests(key.any_of)
                return lambda candidate: _any_of(tests, candidate)
            case "sent_date":
                return self._question(DateQuestion(_comparison(key.sent_date), key.sent_date.day))
            case "header" | "body" | "text" | "words" | "attachment_text":
                question = text_question(key)
                return self._question(question) if question is not None else _everything
            case "has_attachment":
                has = self._question(AttachmentQuestion())
                return has if key.has_attachment else lambda candidate: _not(has(candidate))
            case "filename":
                return self._question(FilenameQuestion(fold(key.filename)))
            case None:
                raise BadKey("the key is of another release")
            case "all":
                return _everything
            case _:
                self.examines_rows = True
                return _row_test(key, kind, self._now)

    def _tests(self, keys: SearchKeys) -> list[Test]:
        return [self.test(key) for key in sorted(keys.keys, key=_is_question)]

    def _question(self, question: SearchQuestion) -> Test:
        number = self.questions.setdefault(question, len(self.questions))
        return lambda candidate: candidate.answers.get(number)


def _is_question(key: SearchKey) -> bool:
    return key.WhichOneof("key") in _QUESTIONS


def _everything(_candidate: Candidate) -> bool:
    """The test for ALL, and for the empty text, which occurs in every message."""
    return True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


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


def _row_test(key: SearchKey, kind: _RowKey, now: int) -> Test:
    """A test of the row of a message alone. Raises BadKey."""
    match kind:
        case "flag":
            return _flag(key.flag.flag, key.flag.is_set)
        case "uids":
            return _uids(key.uids)
        case "internal_date":
            compare, day = _comparison(key.internal_date), key.internal_date.day
            return lambda candidate: compare(candidate.internal_day, day)
        case "saved_date":
            compare, day = _comparison(key.saved_date), key.saved_date.day
            return lambda candidate: compare(candidate.row.saved // _DAY, day)
        case "email_id":
            return lambda candidate: candidate.row.content == key.email_id
        case "thread_id":
            return lambda candidate: candidate.row.thread == key.thread_id
        case _:
            return _number_test(key, kind, now)


def _number_test(key: SearchKey, kind: _NumberKey, now: int) -> Test:
    match kind:
        case "larger":
            return lambda candidate: candidate.row.size > key.larger
        case "smaller":
            return lambda candidate: candidate.row.size < key.smaller
        case "older":
            latest = now - key.older * _SECOND
            return lambda candidate: candidate.row.internal_date <= latest
        case "younger":
            earliest = now - key.younger * _SECOND
            return lambda candidate: candidate.row.internal_date >= earliest
        case "modseq":
            return lambda candidate: candidate.row.modseq >= key.modseq
        case "received_since":
            return lambda candidate: candidate.row.internal_date >= key.received_since
        case "received_before":
            return lambda candidate: candidate.row.internal_date < key.received_before
        case _:
            assert_never(kind)


def _comparison(test: DayTest) -> Callable[[int, int], bool]:
    compare = _COMPARISONS.get(test.relation)
    if compare is None:
        raise BadKey("the relation to a day is of another release")
    return compare


def _flag(flag: str, is_set: bool) -> Test:
    if flag.lower() == "\\recent":
        return lambda _candidate: not is_set  # \Recent is never set in the store; IMAP4rev2 removed it
    given = parse([flag])
    if given.system:
        return lambda candidate: bool(candidate.row.system & given.system) == is_set
    word = given.keywords.lower()
    return lambda candidate: (word in candidate.keywords) == is_set


def _uids(uids: UidSet) -> Test:
    firsts, lasts = uids.bounds[::2], uids.bounds[1::2]

    def test(candidate: Candidate) -> bool:
        at = bisect_right(firsts, candidate.row.uid) - 1
        return at >= 0 and lasts[at] >= candidate.row.uid

    return test
