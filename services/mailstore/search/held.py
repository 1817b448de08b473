"""Answers questions about common header fields from the pages of a listing, without reading messages.

The texts of a field of all messages of a page are one string. When a searched text is not in that string, as in most
pages, a single comparison answers for the whole page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from services.mailstore.listing.columns import (
    FIELDS,
    NOT_KEPT,
    Kind,
    decode_days,
    decode_texts,
    is_searchable,
    split_texts,
)
from services.mailstore.listing.pages import Listing
from services.mailstore.search.compile import DateQuestion, FieldQuestion, SearchQuestion

Answers = Mapping[int, bool]
"""By the number of the question."""
_NO_ANSWERS: Answers = {}
_MOST_WORK = 4 * 1024 * 1024
"""Characters that are compared at once, over all questions."""
_MOST_KNOWN = 1000
HeldQuestion = FieldQuestion | DateQuestion


class HeldAnswers:
    """The answers of pages to the questions of one search; messages are asked for in the order of UIDs."""

    def __init__(self, listing: Listing, mailbox: str, questions: Iterable[SearchQuestion]) -> None:
        self._listing = listing
        self._mailbox = mailbox
        held = [(number, question) for number, question in enumerate(questions) if _is_held(question)]
        self._numbers = [number for number, _ in held]
        self._questions: list[HeldQuestion] = [question for _, question in held]  # type: ignore[misc]
        self._kinds = [_kind(question) for question in self._questions]
        self._cursor = listing.cursor(mailbox, dict.fromkeys(self._kinds)) if held else None
        self._page = 0
        self._answers: Sequence[Answers] = ()
        self._known: dict[tuple[bool | None, ...], Answers] = {}
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
            self._load(cursor.columns)
        return self._answers[place]

    def run(self, uids: Sequence[int], blobs: Sequence[str], at: int) -> tuple[Sequence[Answers], int]:
        """The answers for the message `at` among these and for those behind it in its page, and how many these are.

        No answers and 1 for a message that has no record.
        """
        if self._cursor is None:
            return (), 1
        place, messages = self._cursor.run(uids, blobs, at)
        if place < 0:
            self._lacking += 1
            return (), 1
        if self._page != self._cursor.pages:
            self._load(self._cursor.columns)
        return self._answers[place : place + messages], messages

    def take_octets(self) -> int:
        """The octets of pages that were read and compared since the last call."""
        octets, self.octets = self.octets, 0
        return octets

    def done(self) -> None:
        """To be called at the end of a search."""
        self._listing.lacks(self._mailbox, self._lacking)

    def _load(self, columns: Mapping[Kind, bytes]) -> None:
        assert self._cursor is not None
        self._page, size = self._cursor.pages, self._cursor.size
        self.octets += self._cursor.take_octets() + sum(len(columns[kind]) for kind in self._kinds)
        texts: dict[Kind, str] = {
            kind: decode_texts(columns[kind]) for kind in set(self._kinds) if kind is not Kind.DAY
        }
        if sum(len(texts.get(kind, "")) for kind in self._kinds) > _MOST_WORK:
            self._answers = [_NO_ANSWERS] * size  # the messages are read, in smaller pieces
            return
        days = decode_days(columns[Kind.DAY]) if Kind.DAY in columns else []
        answers = [
            _days_that_hold(question, days)
            if isinstance(question, DateQuestion)
            else _texts_that_contain(question.text, texts[kind], size)
            for question, kind in zip(self._questions, self._kinds, strict=True)
        ]
        rows = list(zip(*answers, strict=True))
        made = {row: self._answer(row) for row in set(rows)}
        self._answers = [made[row] for row in rows]

    def _answer(self, row: tuple[bool | None, ...]) -> Answers:
        """The same object for equal answers: a search has few different ones."""
        if len(self._known) > _MOST_KNOWN:
            self._known = {}
        answers = self._known.get(row)
        if answers is None:
            pairs = zip(self._numbers, row, strict=True)
            answers = self._known[row] = {number: answer for number, answer in pairs if answer is not None}
        return answers


def _is_held(question: SearchQuestion) -> bool:
    if isinstance(question, FieldQuestion):
        return question.name in FIELDS and is_searchable(question.text)
    return isinstance(question, DateQuestion)


def _kind(question: HeldQuestion) -> Kind:
    return FIELDS[question.name] if isinstance(question, FieldQuestion) else Kind.DAY


def _days_that_hold(question: DateQuestion, days: Sequence[int | None]) -> list[bool | None]:
    compare, asked = question.compare, question.day
    return [day is not None and compare(day, asked) for day in days]


def _texts_that_contain(needle: str, texts: str, size: int) -> list[bool | None]:
    """Whether a field of each message contains the text; None where its texts are not kept.

    An empty text is in each message that has the field (RFC 3501 §6.4.4).
    """
    if needle and needle not in texts and NOT_KEPT not in texts:
        return [False] * size
    return [None if text == NOT_KEPT else needle in text if needle else bool(text) for text in split_texts(texts)]
