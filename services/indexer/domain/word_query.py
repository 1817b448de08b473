"""Which messages have certain words: what FUZZY (RFC 6203) and the search query language ask of the index.

Texts are as the user wrote them; `shared.protocol.search.words` makes words of texts and of questions alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import msgspec

from shared.protocol.search.fuzzy import FuzzyField, fuzzy_pieces
from shared.protocol.search.words import QueryWords, query_words


class WordField(IntEnum):
    """Where the words are sought; the values are those of the contract."""

    ANYWHERE = 0
    """Subject, addresses, body and attachments."""
    SUBJECT = 1
    FROM = 2
    TO = 3
    """The addresses of To, Cc and Bcc."""
    BODY = 4
    ATTACHMENTS = 5
    """The names and the extracted text of attachments."""


class SoughtWords(msgspec.Struct, frozen=True, tag=True):
    """All words of a text, in any order; in this order and side by side if it is a phrase."""

    text: str
    field: WordField = WordField.ANYWHERE
    is_phrase: bool = False
    is_prefix: bool = False
    """Whether the last word may go on."""


def terms_of(query: SoughtWords) -> Iterator[QueryWords]:
    """The words of each piece that is sought by itself: of the whole phrase, or between white space."""
    texts = [query.text] if query.is_phrase else query.text.split()
    for number, text in enumerate(texts, 1):
        sought = query_words(text, prefix=query.is_prefix and number == len(texts))
        if sought.tokens:
            yield sought


class AllWords(msgspec.Struct, frozen=True, tag=True):
    """Each of the queries holds."""

    queries: tuple[WordQuery, ...]


class AnyWords(msgspec.Struct, frozen=True, tag=True):
    """At least a single one of the queries holds."""

    queries: tuple[WordQuery, ...]


class NoWords(msgspec.Struct, frozen=True, tag=True):
    """The query does not hold."""

    query: WordQuery


WordQuery = SoughtWords | AllWords | AnyWords | NoWords
_FIELDS = {
    FuzzyField.ANYWHERE: (WordField.ANYWHERE,),
    FuzzyField.SUBJECT: (WordField.SUBJECT,),
    FuzzyField.FROM: (WordField.FROM,),
    FuzzyField.TO: (WordField.TO,),
    FuzzyField.BODY: (WordField.BODY, WordField.ATTACHMENTS),
}


PHRASE_FIELDS = {
    "anywhere": WordField.ANYWHERE,
    "subject": WordField.SUBJECT,
    "from": WordField.FROM,
    "to": WordField.TO,
    "body": WordField.BODY,
    "attachment": WordField.ATTACHMENTS,
}
"""Where the query language looks for words."""


def fuzzy_query(text: str, field: FuzzyField) -> WordQuery:
    """What FUZZY asks for: each piece of the text, as `shared.protocol.search.fuzzy` defines it."""
    return AllWords(
        tuple(
            AnyWords(tuple(SoughtWords(piece.text, part, True, piece.goes_on) for part in _FIELDS[field]))
            for piece in fuzzy_pieces(text)
        )
    )
