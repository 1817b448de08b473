"""The ranked index of words: an FTS5 table with a column for each field, whose texts are tokens with spaces between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apsw
import numpy as np
import numpy.typing as npt

from services.indexer.adapters.fetched import fetched
from services.indexer.adapters.gram_tables import numbers_in
from services.indexer.domain.places import NONE, Numbers
from shared.protocol.search.words import words

WORD_SCHEMA = (
    "CREATE VIRTUAL TABLE word USING fts5(subject, sender, recipients, body, attachments, content='',"
    " contentless_delete=1, tokenize='ascii');"
    "INSERT INTO word(word, rank) VALUES('hashsize', 2097152);"
)
WORD_TABLE = "word"
_PIECE = 1 << 18
_WEIGHTS = "4.0, 3.0, 2.0, 1.0, 0.5"
_SENDERS = frozenset({"from", "sender", "reply-to"})
_RECIPIENTS = frozenset({"to", "cc", "bcc"})


class WordTexts(NamedTuple):
    """The texts of a document whose words are indexed."""

    subject: str
    sender: str
    recipients: str
    body: str
    attachments: str = ""


class Scores(NamedTuple):
    """Documents that match, in no order, and how well: higher is better."""

    documents: Numbers
    scores: npt.NDArray[np.float64]


def word_texts(fields: Iterable[tuple[str, str]], body: str, attachments: str = "") -> WordTexts:
    """The texts of a document, of its fields and of its body."""
    parts: dict[str, list[str]] = {"subject": [], "sender": [], "recipients": []}
    for name, text in fields:
        if name == "subject":
            parts["subject"].append(text)
        elif name in _SENDERS:
            parts["sender"].append(text)
        elif name in _RECIPIENTS:
            parts["recipients"].append(text)
    subject, sender, recipients = map("\n".join, parts.values())
    return WordTexts(subject, sender, recipients, body, attachments)


def add_words(connection: apsw.Connection, document: int, texts: WordTexts) -> None:
    """Index the words of a new document, or of one that was removed."""
    row = (document, *(" ".join(map(words, _pieces(text))) for text in texts))
    connection.execute(
        "INSERT INTO word(rowid, subject, sender, recipients, body, attachments) VALUES(?,?,?,?,?,?)", row
    )


def _pieces(text: str) -> Iterator[str]:
    """A text, cut between words if it is long: other threads wait while a piece is made into words."""
    start = 0
    while len(text) - start > _PIECE:
        cut = max(text.rfind(separator, start, start + _PIECE) for separator in "\n ")
        end = cut if cut > start else start + _PIECE
        yield text[start:end]
        start = end
    yield text[start:]


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
