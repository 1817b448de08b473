"""Answers exact questions about documents: an index table says which may contain a text, the stored texts decide."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import apsw
import numpy as np

from services.indexer.adapters.awaited_answer import AwaitedAnswer
from services.indexer.adapters.bookkeeping import Bookkeeping
from services.indexer.adapters.embedded_texts import ATTACHMENTS, BODIES, HEADERS, has_fields_beside
from services.indexer.adapters.gram_tables import FIELD_COLUMNS, FIELD_TABLE, Grams, candidates, expression, in_column
from services.indexer.adapters.header_fields import octets_of
from services.indexer.adapters.text_blocks import TextBlocks
from services.indexer.adapters.verification import InField, InSections, Matcher, verified
from services.indexer.adapters.word_expression import phrase_within
from services.indexer.adapters.word_table import WORD_TABLE
from services.indexer.domain.document import IndexQuestion, SearchedPart
from services.indexer.domain.engine import TextAnswer
from services.indexer.domain.places import Numbers, among, ascending, gaps_between, ranges_of
from shared.protocol.imap.ranges import Ranges

_NO_ANSWER: Ranges = ()
MANY = 500
"""Documents that may contain a text, above which its words are asked for too."""


def answer_questions(
    connection: apsw.Connection,
    mailbox: str,
    bounds: tuple[int, int],
    questions: Sequence[IndexQuestion],
    executor: Executor,
    awaited: AwaitedAnswer,
) -> TextAnswer:
    """What the file of an account says about the messages of a mailbox between two UIDs. Raises IndexUnavailable when
    the answer is not awaited any more."""
    notes = Bookkeeping(connection)
    noted = notes.mailbox(mailbox)
    first, last = bounds[0], min(bounds[1], noted.reached if noted else 0)
    if noted is None or first > last:
        return TextAnswer((), [_NO_ANSWER] * len(questions))
    places = notes.places(noted.id).between(first, last)
    finder = DocumentFinder(connection, ascending(places.documents), executor, awaited)
    answers = {
        question: ranges_of(places.uids[among(places.documents, finder.find(question))])
        for question in dict.fromkeys(questions)
    }
    covered = gaps_between(first, last, notes.missing(noted.id))
    return TextAnswer(covered, [answers[question] for question in questions])


class DocumentFinder:
    """Finds those of some documents, which ascend, that contain texts."""

    def __init__(
        self, connection: apsw.Connection, documents: Numbers, executor: Executor, awaited: AwaitedAnswer
    ) -> None:
        self._connection = connection
        self._documents = documents
        self._executor = executor
        self._awaited = awaited

    def find(self, question: IndexQuestion) -> Numbers:
        """The documents for which the answer is yes, ascending."""
        self._awaited.check()
        if not len(self._documents):
            return self._documents
        needle = octets_of(question.text)
        match question.kind:
            case SearchedPart.FIELD:
                return self._in_field(question)
            case SearchedPart.BODY:
                return self._in_table(Grams.BODY, BODIES, question.text, self._documents)
            case SearchedPart.ATTACHMENTS:
                return self._in_table(Grams.ATTACHMENTS, ATTACHMENTS, question.text, self._documents)
            case SearchedPart.TEXT:
                return self._anywhere(question.text, needle)

    def _in_field(self, question: IndexQuestion) -> Numbers:
        matcher = InField(octets_of(question.text), octets_of(question.name))
        if question.name not in FIELD_COLUMNS:
            return self._verified(HEADERS, self._candidates(Grams.HEADER, question.text), matcher)
        asked = in_column(expression(question.text), question.name)
        possible = self._given(FIELD_TABLE, asked.text)
        return possible if asked.is_exact else self._verified(HEADERS, possible, matcher)

    def _anywhere(self, text: str, needle: bytes) -> Numbers:
        headers = self._candidates(Grams.HEADER, text)
        if not expression(text).is_exact or has_fields_beside(self._connection):
            headers = self._verified(HEADERS, headers, InSections(needle, 2))
        rest = self._documents[~among(self._documents, headers)]
        return ascending(np.concatenate((headers, self._in_table(Grams.BODY, BODIES, text, rest))))

    def _in_table(self, table: Grams, blocks: TextBlocks, text: str, documents: Numbers) -> Numbers:
        possible = self._candidates(table, text)
        possible = possible[among(possible, documents)]
        if expression(text).is_exact:
            return possible
        if table is Grams.BODY and len(possible) > MANY and (phrase := phrase_within(text)):
            possible = possible[among(possible, self._given(WORD_TABLE, phrase))]
        return self._verified(blocks, possible, InSections(octets_of(text), 1))

    def _candidates(self, table: Grams, text: str) -> Numbers:
        return self._given(table, expression(text).text)

    def _given(self, table: str, asked: str) -> Numbers:
        possible = candidates(self._connection, table, asked, int(self._documents[0]), int(self._documents[-1]))
        return possible[among(possible, self._documents)]

    def _verified(self, blocks: TextBlocks, possible: Numbers, matcher: Matcher) -> Numbers:
        return verified(self._connection, blocks, possible, matcher, self._executor, self._awaited)
