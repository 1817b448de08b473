"""The ranked index of words: an FTS5 table with a column for each field, whose texts are tokens with spaces between."""

from __future__ import annotations

from typing import NamedTuple

import apsw
import numpy as np
import numpy.typing as npt

from services.indexer.adapters.fetched import fetched
from services.indexer.adapters.gram_tables import numbers_in
from services.indexer.domain.places import NONE, Numbers
from shared.protocol.search.message_words import WordTexts, text_words

WORD_SCHEMA = (
    "CREATE VIRTUAL TABLE word USING fts5(subject, sender, recipients, body, attachments, content='',"
    " contentless_delete=1, tokenize='ascii');"
    "INSERT INTO word(word, rank) VALUES('hashsize', 2097152);"
)
WORD_TABLE = "word"
_WEIGHTS = "4.0, 3.0, 2.0, 1.0, 0.5"


class Scores(NamedTuple):
    """Documents that match, in no order, and how well: higher is better."""

    documents: Numbers
    scores: npt.NDArray[np.float64]


def add_words(connection: apsw.Connection, document: int, texts: WordTexts) -> None:
    """Index the words of a new document, or of one that was removed."""
    row = (document, *map(text_words, texts))
    connection.execute(
        "INSERT INTO word(rowid, subject, sender, recipients, body, attachments) VALUES(?,?,?,?,?,?)", row
    )


def scored(connection: apsw.Connection, expression: str) -> Scores:
    """The documents that an expression gives, in a single step."""
    # MATERIALIZED: FTS5 does not compute bm25 within an aggregate.
    query = (
        "WITH hit(number, score) AS MATERIALIZED"  # noqa: S608
        f" (SELECT rowid, -bm25(word, {_WEIGHTS}) FROM word WHERE word MATCH ?)"
        " SELECT group_concat(number), group_concat(score) FROM hit"
    )
    listed, scores = fetched(connection, query, (expression,))[0]
    if not listed:
        return Scores(NONE, np.empty(0, dtype=np.float64))
    return Scores(np.fromstring(listed, dtype=np.int64, sep=","), np.fromstring(scores, dtype=np.float64, sep=","))


def documents_without(connection: apsw.Connection, expression: str) -> Scores:
    """The documents that an expression does not give; their score is 0."""
    query = "SELECT group_concat(id) FROM document WHERE id NOT IN (SELECT rowid FROM word WHERE word MATCH ?)"
    documents = numbers_in(fetched(connection, query, (expression,))[0][0])
    return Scores(documents, np.zeros(len(documents), dtype=np.float64))
