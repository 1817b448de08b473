"""The expression of FTS5 for a query of words. It is made of the query's tree and of tokens."""

from __future__ import annotations

from typing import NamedTuple

from services.indexer.domain.engine import QueryTooLarge
from services.indexer.domain.word_query import AllWords, AnyWords, NoWords, SoughtWords, WordField, WordQuery, terms_of
from shared.protocol.search.words import QueryWords, query_words

MOST_TERMS = 1000
DEEPEST = 100
_LONGEST_WITHIN = 1000
_SHORTEST_WITHIN = 4
"""Characters of words; the words that begin with fewer are too many."""


class WordExpression(NamedTuple):
    """What FTS5 is asked, and whether the answer is what it does not give."""

    text: str
    is_negated: bool = False


COLUMNS = {
    WordField.SUBJECT: "subject",
    WordField.FROM: "sender",
    WordField.TO: "recipients",
    WordField.BODY: "body",
    WordField.ATTACHMENTS: "attachments",
}


def word_expression(query: WordQuery) -> WordExpression | None:
    """The expression; None: the query has no words, and finds nothing. Raises QueryTooLarge."""
    return _Writer().write(query, 0)


class _Writer:
    def __init__(self) -> None:
        self._terms = 0

    def write(self, query: WordQuery, depth: int) -> WordExpression | None:
        if depth > DEEPEST:
            raise QueryTooLarge(f"more than {DEEPEST} levels")
        match query:
            case SoughtWords():
                return self._words(query)
            case NoWords():
                inner = self.write(query.query, depth + 1)
                return WordExpression(inner.text, not inner.is_negated) if inner else None
            case AllWords():
                return _all(self._parts(query.queries, depth))
            case AnyWords():
                parts = [WordExpression(part.text, not part.is_negated) for part in self._parts(query.queries, depth)]
                negated = _all(parts)  # any of them: not all of their opposites
                return WordExpression(negated.text, not negated.is_negated) if negated else None

    def _parts(self, queries: tuple[WordQuery, ...], depth: int) -> list[WordExpression]:
        return [part for query in queries if (part := self.write(query, depth + 1)) is not None]

    def _words(self, query: SoughtWords) -> WordExpression | None:
        terms = []
        for sought in terms_of(query):
            self._terms += len(sought.tokens)
            if self._terms > MOST_TERMS:
                raise QueryTooLarge(f"more than {MOST_TERMS} words")
            terms.append(_phrase(sought))
        if not terms:
            return None
        joined = f"({' AND '.join(dict.fromkeys(terms))})"
        return WordExpression(joined if query.field is WordField.ANYWHERE else f"{COLUMNS[query.field]} : {joined}")


def _phrase(sought: QueryWords) -> str:
    quoted = '"' + " ".join(sought.tokens).replace('"', '""') + '"'
    return quoted + " *" if sought.prefix else quoted


def _all(parts: list[WordExpression]) -> WordExpression | None:
    """All of the parts; FTS5 has NOT between two expressions only."""
    if not parts:
        return None
    asked = [part.text for part in parts if not part.is_negated]
    excluded = [part.text for part in parts if part.is_negated]
    if not asked:
        return WordExpression(f"({' OR '.join(excluded)})", is_negated=True)
    text = f"({' AND '.join(asked)})"
    return WordExpression(f"({text} NOT ({' OR '.join(excluded)}))" if excluded else text)


def phrase_within(needle: str) -> str:
    """What each body that contains the needle has as words; empty: nothing is known.

    The needle's first word may be the end of a longer one, so it counts for nothing. The last may go on in the text,
    and a mark may follow its last character and change it. Only ASCII is the same in each surrounding.
    """
    rest = needle.partition(" ")[2][:-1]
    if not rest.isascii() or len(needle) > _LONGEST_WITHIN:
        return ""
    sought = query_words(rest, prefix=True)
    if sum(map(len, sought.tokens)) < _SHORTEST_WITHIN:
        return ""
    return f"{COLUMNS[WordField.BODY]} : {_phrase(sought)}"
