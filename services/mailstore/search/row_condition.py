"""Compiles a search key that rows alone decide (flags, dates, sizes, UIDs and their combinations) to an SQL condition.

`compile` defines what each key means; this module says the same in SQL, for a search that reads no row in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.mailstore.domain.decide import MAX_KEYWORD_OCTETS
from services.mailstore.domain.flags import parse
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import DayTest, SearchKey, UidSet

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_MOST_KEYS = 64
_MOST_RANGES = 100
_FAR = 1 << 62
"""Beyond every date and size of a message; the database cannot take larger numbers."""
_GIVEN_TIME = "internal_date + CAST(zone AS BIGINT) * 60000000"
"""The internal date as a clock of its zone shows it."""
_ALWAYS, _NEVER = "1 = 1", "1 = 0"


class RowCondition(NamedTuple):
    """A condition on the columns of `entry`, its parameters, and the number of its keys."""

    text: str
    parameters: tuple[int | str, ...]
    keys: int
    columns: frozenset[str]
    """The columns that it examines: `flags`, `modseq`, `uid` and `others`."""


class _NotByRows(Exception):
    """Texts must be read, or the key is too large for a statement or of another release."""


def row_condition(key: SearchKey, now: int) -> RowCondition | None:
    """The condition; None when rows do not decide the key, or when it is too large for a statement.

    `now` in UTC microseconds is for OLDER and YOUNGER.
    """
    writer = _Writer(now)
    try:
        text = writer.condition(key)
    except _NotByRows:
        return None
    return RowCondition(text, tuple(writer.parameters), writer.keys, frozenset(writer.columns))


class _Writer:
    """Collects the parameters in the order of their question marks."""

    def __init__(self, now: int) -> None:
        self._now = now
        self.parameters: list[int | str] = []
        self.columns: set[str] = set()
        self.keys = 0

    def condition(self, key: SearchKey) -> str:
        self.keys += 1
        if self.keys > _MOST_KEYS:
            raise _NotByRows
        text = self._positive(key)
        return f"NOT ({text})" if key.negated else text

    def _positive(self, key: SearchKey) -> str:
        match key.WhichOneof("key"):
            case "all":
                return _ALWAYS
            case "body" if not key.body:
                return _ALWAYS
            case "text" if not key.text:
                return _ALWAYS
            case "all_of":
                return self._together(key.all_of.keys, " AND ", _ALWAYS)
            case "any_of":
                return self._together(key.any_of.keys, " OR ", _NEVER)
            case "uids":
                return self._uids(key.uids)
            case "flag":
                return self._flag(key.flag.flag, key.flag.is_set)
            case _:
                return self._value(key)

    def _together(self, keys: Sequence[SearchKey], operator: str, empty: str) -> str:
        return "(" + operator.join([self.condition(key) for key in keys]) + ")" if keys else empty

    def _uids(self, uids: UidSet) -> str:
        bounds = list(uids.bounds)
        if len(bounds) > 2 * _MOST_RANGES:
            raise _NotByRows
        self.columns.add("uid")
        self.parameters += bounds
        return "(" + " OR ".join(["uid BETWEEN ? AND ?"] * (len(bounds) // 2)) + ")" if bounds else _NEVER

    def _flag(self, flag: str, is_set: bool) -> str:
        given = parse([flag])
        self.columns.add("flags")
        if given.system:
            return f"(system & {given.system}) {'<>' if is_set else '='} 0"
        word = given.keywords.lower()
        if not word or len(word) > MAX_KEYWORD_OCTETS:  # an unknown system flag, \\Recent, or longer than any keyword
            return _NEVER if is_set else _ALWAYS
        if not (word.isascii() and word.isprintable()) or " " in word:
            raise _NotByRows
        self.parameters.append("% " + "".join("!" + char if char in "!%_" else char for char in word) + " %")
        return f"(' ' || lower(keywords) || ' ') {'' if is_set else 'NOT '}LIKE ? ESCAPE '!'"

    def _value(self, key: SearchKey) -> str:
        self.columns.add("modseq" if key.WhichOneof("key") == "modseq" else "others")
        match key.WhichOneof("key"):
            case "internal_date":
                return self._day(_GIVEN_TIME, key.internal_date)
            case "saved_date":
                return self._day("saved", key.saved_date)
            case "email_id":
                return self._compared("content = ?", key.email_id)
            case "thread_id":
                return self._compared("thread = ?", key.thread_id)
            case "larger":
                return self._compared("size > ?", key.larger)
            case "smaller":
                return self._compared("size < ?", key.smaller)
            case "modseq":
                return self._compared("modseq >= ?", key.modseq)
            case "received_since":
                return self._compared("internal_date >= ?", key.received_since)
            case "received_before":
                return self._compared("internal_date < ?", key.received_before)
            case "older":
                return self._compared("internal_date <= ?", self._now - key.older * _SECOND)
            case "younger":
                return self._compared("internal_date >= ?", self._now - key.younger * _SECOND)
            case _:
                raise _NotByRows

    def _day(self, time: str, test: DayTest) -> str:
        """Compare the day of a time in microseconds, which begins at a multiple of a day's length."""
        begin, end = test.day * _DAY, (test.day + 1) * _DAY
        match test.relation:
            case DayTest.BEFORE:
                return self._compared(f"{time} < ?", begin)
            case DayTest.SINCE:
                return self._compared(f"{time} >= ?", begin)
            case DayTest.ON:
                return self._compared(f"({time} >= ? AND {time} < ?)", begin, end)
            case _:
                raise _NotByRows

    def _compared(self, text: str, *values: int | str) -> str:
        self.parameters += [value if isinstance(value, str) else max(-_FAR, min(_FAR, value)) for value in values]
        return text
