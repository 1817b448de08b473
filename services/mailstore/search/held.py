"""Answers questions about common header fields from the pages of a listing, without reading messages.

The texts of a field of all messages of a page are one string. When a searched text is not in that string, as in most
pages, a single comparison answers for the whole page.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

from services.mailstore.listing.columns import (
    FIELDS,
    NOT_KEPT,
    Kind,
    PageExtent,
    decode_days,
    decode_extent,
    decode_texts,
    is_searchable,
    split_texts,
)
from services.mailstore.listing.pages import Listing
from services.mailstore.search.compile import DateQuestion, FieldQuestion, SearchQuestion
from shared.protocol.imap.ranges import count

Answers = Mapping[int, bool]
"""By the number of the question."""
_NO_ANSWERS: Answers = {}
_MOST_WORK = 4 * 1024 * 1024
"""Characters that are compared at once, over all questions."""
_MOST_KNOWN = 1000
_NO_EXTENT = PageExtent((), "", 0)
HeldQuestion = FieldQuestion | DateQuestion


class AnsweringPage(NamedTuple):
    """A page, and for each of its messages a value from which `answers` tells those to the questions."""

    last: int
    """Up to this UID no other page has a message."""
    extent: PageExtent
    rows: Sequence[Hashable]
    """Equal values for equal answers."""


class HeldAnswers:
    """The answers of pages to the questions of one search; messages are asked for in the order of UIDs."""

    def __init__(self, listing: Listing, mailbox: str, questions: Iterable[SearchQuestion]) -> None:
        self._listing = listing
        self._mailbox = mailbox
        held = [(number, question) for number, question in enumerate(questions) if _is_held(question)]
        self._numbers = [number for number, _ in held]
        self._questions: list[HeldQuestion] = [question for _, question in held]  # type: ignore[misc]
        self._kinds = [_kind(question) for question in self._questions]
        self._distinct = tuple(dict.fromkeys(self._kinds))
        self._cursor = listing.cursor(mailbox, self._distinct) if held else None
        self._page = 0
        self._answers: Sequence[Answers] = ()
        self._known: dict[Hashable, Answers] = {}
        self._lacking = 0
        self.octets = 0
        """Octets of pages that were read and compared since `take_octets`."""

    @property
    def covers(self) -> int:
        """How many of the questions pages can answer."""
        return len(self._questions)

    def of(self, uid: int, blob: str) -> Answers:
        """The answers for a message; those that no page has are missing."""
        cursor = self._cursor
        if cursor is None:
            return _NO_ANSWERS
        place = cursor.place(uid, blob)
        if place < 0:
            self._lacking += 1
            return _NO_ANSWERS
        if self._page != cursor.pages:
            self._page = cursor.pages
            self.octets += cursor.take_octets()
            self._answers = [self.answers(row) for row in self._rows(cursor.columns, cursor.size)]
        return self._answers[place]

    def page(self, uid: int) -> AnsweringPage:
        """The page in charge of a UID, or the next one behind it; without messages where there is none."""
        last, columns = self._listing.page(self._mailbox, uid, (Kind.EXTENT, *self._distinct))
        extent = decode_extent(columns[Kind.EXTENT]) if columns else _NO_EXTENT
        self.octets += sum(map(len, columns.values()))
        return AnsweringPage(last, extent, self._rows(columns, count(extent.runs)) if columns else ())

    def answers(self, row: Hashable) -> Answers:
        """The answers that a row stands for: the same object for equal ones, as a search has few different ones."""
        if len(self._known) > _MOST_KNOWN:
            self._known = {}
        answers = self._known.get(row)
        if answers is None:
            values = row if isinstance(row, tuple) else (row,)
            pairs = zip(self._numbers, values, strict=True)
            answers = self._known[row] = {number: answer for number, answer in pairs if answer is not None}
        return answers

    def take_octets(self) -> int:
        """The octets of pages that were read and compared since the last call."""
        octets, self.octets = self.octets, 0
        return octets

    def done(self) -> None:
        """To be called at the end of a search."""
        self._listing.lacks(self._mailbox, self._lacking)

    def _rows(self, columns: Mapping[Kind, bytes], size: int) -> Sequence[Hashable]:
        """For each message the answer of a single question, or those of all questions."""
        self.octets += sum(len(columns[kind]) for kind in self._kinds)
        texts: dict[Kind, str] = {kind: decode_texts(columns[kind]) for kind in self._distinct if kind is not Kind.DAY}
        if sum(len(texts.get(kind, "")) for kind in self._kinds) > _MOST_WORK:
            return [(None,) * len(self._kinds)] * size  # the messages are read, in smaller pieces
        days = decode_days(columns[Kind.DAY]) if Kind.DAY in columns else []
        answers = [
            _days_that_hold(question, days)
            if isinstance(question, DateQuestion)
            else _texts_that_contain(question.text, texts[kind], size)
            for question, kind in zip(self._questions, self._kinds, strict=True)
        ]
        return answers[0] if len(answers) == 1 else list(zip(*answers, strict=True))


def _is_held(question: SearchQuestion) -> bool:
    if isinstance(question, FieldQuestion):
        return question.name in FIELDS and is_searchable(question.text)
    return isinstance(question, DateQuestion)


def _kind(question: HeldQuestion) -> Kind:
    return FIELDS[question.name] if isinstance(question, FieldQuestion) else Kind.DAY


def _days_that_hold(question: DateQuestion, days: Sequence[int | None]) -> list[bool | None]:
    compare, asked = question.compare, question.day
    if None not in days:
        return list(map(compare, days, repeat(asked)))  # type: ignore[arg-type]
    return [day is not None and compare(day, asked) for day in days]


def _texts_that_contain(needle: str, texts: str, size: int) -> list[bool | None]:
    """Whether a field of each message contains the text; None where its texts are not kept.

    An empty text is in each message that has the field (RFC 3501 §6.4.4).
    """
    if needle and needle not in texts and NOT_KEPT not in texts:
        return [False] * size
    return [None if text == NOT_KEPT else needle in text if needle else bool(text) for text in split_texts(texts)]
