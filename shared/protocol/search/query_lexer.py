"""Cuts a search query as text into its terms. docs/search.md describes the language.

term      = [field] ( word / quoted ) ["*"] / "(" / ")" / "-" / "AND" / "OR" / "NOT"
field     = name ( ":" / "=" ) / "="      ; "=" asks for the exact text
quoted    = DQUOTE *( character / "\\" character ) DQUOTE
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from shared.protocol.search.query import QueryError

_SPACE = re.compile(r"\s+")
_FIELD = re.compile(r"([A-Za-z]+)([:=])\s*|(=)(?=\S)")
_HEADER_NAME = re.compile(r"([!-9;-~]+?)(?:([:=])\s*|(?=[\s()]|\Z))")
_WORD = re.compile(r"[^\s()\"“”„]+")
_QUOTED = re.compile(r"[\"“”„]((?:[^\"“”\\]|\\.)*)[\"“”]", re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)
_OPERATORS = frozenset(("AND", "OR", "NOT"))


class TermKind(Enum):
    """What a term is."""

    TEXT = "text"
    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    END = ""


class QueryTerm(NamedTuple):
    """A term and where it begins, in code points."""

    kind: TermKind
    position: int
    text: str = ""
    """Without quotation marks and the star. Empty if the field is followed by a parenthesis or by nothing."""
    field: str = ""
    """In lower case."""
    header: str = ""
    """The name in `header:name:…`."""
    exact: bool = False
    """Whether it is asked for with `=`."""
    quoted: bool = False
    prefix: bool = False
    """Whether a star follows."""


def terms(query: str, fields: frozenset[str]) -> Iterator[QueryTerm]:
    """The terms of a query and the end. A name that is not one of `fields` is part of a word, as in `10:30`.

    Raises QueryError.
    """
    at = _behind_space(query, 0)
    while at < len(query):
        term, at = _term(query, at, fields)
        yield term
        at = _behind_space(query, at)
    yield QueryTerm(TermKind.END, len(query))


def _behind_space(query: str, at: int) -> int:
    match = _SPACE.match(query, at)
    return match.end() if match else at


def _term(query: str, at: int, fields: frozenset[str]) -> tuple[QueryTerm, int]:
    character = query[at]
    if character in "()":
        return QueryTerm(TermKind(character), at), at + 1
    if character == "-" and at + 1 < len(query) and not query[at + 1].isspace() and query[at + 1] not in "-)":
        return QueryTerm(TermKind.NOT, at), at + 1
    field = _FIELD.match(query, at)
    if field and (field[3] or field[1].lower() in fields):
        return _fielded(query, field)
    return _text(QueryTerm(TermKind.TEXT, at), query, at)


def _fielded(query: str, field: re.Match[str]) -> tuple[QueryTerm, int]:
    name, how, end = (field[1] or "").lower(), field[2] or field[3], field.end()
    header = ""
    if name == "header":
        match = _HEADER_NAME.match(query, end)
        if match is None:
            raise QueryError("After header: the name of a header field is missing.", field.start())
        header, how, end = match[1], match[2] or how, match.end()
    term = QueryTerm(TermKind.TEXT, field.start(), "", name, header, how == "=")
    return _text(term, query, end) if end < len(query) and not query[end].isspace() else (term, end)


def _text(term: QueryTerm, query: str, at: int) -> tuple[QueryTerm, int]:
    """Reads the text of a term, a word or a quoted text."""
    if query[at] in "()":
        return term, at
    if quoted := _QUOTED.match(query, at):
        end = quoted.end()
        star = query.startswith("*", end)
        return term._replace(text=_ESCAPED.sub(r"\1", quoted[1]), quoted=True, prefix=star), end + star
    word = _WORD.match(query, at)
    if word is None:
        raise QueryError("A quotation mark is not closed.", at)
    text = word[0]
    if not term.field and not term.exact and text in _OPERATORS:
        return QueryTerm(TermKind(text), at), word.end()
    return _with_star(term, text, at), word.end()


def _with_star(term: QueryTerm, text: str, at: int) -> QueryTerm:
    """A star at the end makes a prefix. One before a word or within one is an error; among symbols it says nothing."""
    if term.exact or term.header:
        return term._replace(text=text)
    bare = text.strip("*")
    if text.endswith("*") and bare and "*" not in bare and not text.startswith("*"):
        return term._replace(text=bare, prefix=True)
    if term.field == "filename" and text.startswith("*."):
        text = bare = text[1:]  # people write the endings of file names so
    if "*" in text and any(map(str.isalnum, text)) and not (text.startswith("*") and text.endswith("*")):
        place = at + text.index("*")
        raise QueryError(
            f'A star is possible only at the end of a word. To find any part of words, write ="{bare}".', place
        )
    return term._replace(text=text)
