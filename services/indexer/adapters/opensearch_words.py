"""The query of OpenSearch for words. It is made of the query's tree and of tokens, never of a query language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import apsw
import numpy as np

from services.indexer.adapters.bookkeeping import Bookkeeping
from services.indexer.adapters.word_expression import DEEPEST
from services.indexer.domain.engine import QueryTooLarge, Ranked
from services.indexer.domain.places import MailboxPlaces, among, as_numbers
from services.indexer.domain.word_query import AllWords, AnyWords, NoWords, SoughtWords, WordField, WordQuery, terms_of
from shared.protocol.search.words import QueryWords

Clause = Mapping[str, Any]
_MOST_CLAUSES = 1000
"""OpenSearch refuses a query with more than 1,024."""
_ENDINGS = 1000
"""Words with the same beginning that a phrase may end with."""
_FIELDS = {
    WordField.SUBJECT: ("word.subject", 4.0),
    WordField.FROM: ("word.sender", 3.0),
    WordField.TO: ("word.recipients", 2.0),
    WordField.BODY: ("word.body", 1.0),
    WordField.ATTACHMENTS: ("word.attachments", 0.5),
}
"""The weights are those of the embedded engine."""


def word_clause(query: WordQuery) -> Clause | None:
    """The clause; None: the query has no words, and finds nothing. Raises QueryTooLarge."""
    return _ClauseWriter().write(query, 0)


class _ClauseWriter:
    def __init__(self) -> None:
        self._clauses = 0

    def write(self, query: WordQuery, depth: int) -> Clause | None:
        if depth > DEEPEST:
            raise QueryTooLarge(f"more than {DEEPEST} levels")
        match query:
            case SoughtWords():
                return self._words(query)
            case NoWords():
                inner = self.write(query.query, depth + 1)
                return {"bool": {"must_not": [inner]}} if inner else None
            case AllWords():
                parts = self._parts(query.queries, depth)
                return {"bool": {"must": parts}} if parts else None
            case AnyWords():
                return _any(self._parts(query.queries, depth))

    def _parts(self, queries: tuple[WordQuery, ...], depth: int) -> list[Clause]:
        return [part for query in queries if (part := self.write(query, depth + 1)) is not None]

    def _words(self, query: SoughtWords) -> Clause | None:
        terms: list[QueryWords] = []
        for sought in terms_of(query):
            if sought not in terms:
                terms.append(sought)
        clauses = [clause for sought in terms if (clause := self._in_fields(sought, query.field))]
        return {"bool": {"must": clauses}} if clauses else None

    def _in_fields(self, sought: QueryWords, field: WordField) -> Clause | None:
        fields = list(_FIELDS.values()) if field is WordField.ANYWHERE else [_FIELDS[field]]
        self._clauses += len(fields) * len(sought.tokens)
        if self._clauses > _MOST_CLAUSES:
            raise QueryTooLarge(f"more than {_MOST_CLAUSES} words in fields")
        return _any([_phrase(sought, name, weight) for name, weight in fields])


def _any(parts: Sequence[Clause]) -> Clause | None:
    return {"bool": {"should": parts, "minimum_should_match": 1}} if parts else None


def _phrase(sought: QueryWords, field: str, weight: float) -> Clause:
    if len(sought.tokens) == 1:
        kind = "prefix" if sought.prefix else "term"
        return {kind: {field: {"value": sought.tokens[0], "boost": weight}}}
    phrase: dict[str, Any] = {"query": " ".join(sought.tokens), "boost": weight}
    if sought.prefix:
        return {"match_phrase_prefix": {field: {**phrase, "max_expansions": _ENDINGS}}}
    return {"match_phrase": {field: phrase}}


def places_of_ranked(
    connection: apsw.Connection, mailboxes: Sequence[str], scores: Mapping[int, float], limit: int
) -> list[Ranked]:
    """The places of documents with scores, best first."""
    notes = Bookkeeping(connection)
    chosen = set(mailboxes)
    documents = np.sort(as_numbers(list(scores)))
    ranked: list[Ranked] = []
    for number, name in notes.mailboxes().items():
        if not chosen or name in chosen:
            places: MailboxPlaces = notes.places(number)
            hits = places.where(among(places.documents, documents))
            pairs = zip(hits.uids.tolist(), hits.documents.tolist(), strict=True)
            ranked += [Ranked(name, uid, scores[document]) for uid, document in pairs]
    ranked.sort(key=lambda place: (-place.score, place.mailbox, -place.uid))
    return ranked[:limit]
