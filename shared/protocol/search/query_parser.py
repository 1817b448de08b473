"""Parses a search query as text. docs/search.md describes the language.

query     = *( any )
any       = every *( "OR" every )
every     = 1*( ["AND"] part )
part      = *( "NOT" / "-" ) ( "(" any ")" / field "(" any ")" / term )
"""

from __future__ import annotations

import unicodedata
from datetime import datetime

from shared.protocol.search import query_values as values
from shared.protocol.search.query import (
    DEEPEST,
    EVERYTHING,
    LONGEST_QUERY,
    SHORTEST_PREFIX,
    AttachmentKey,
    FlagKey,
    HeaderKey,
    MailboxNameKey,
    NoneOf,
    QueryError,
    QueryTree,
    SearchField,
    TextKey,
    WordKey,
    all_of,
    any_of,
    check_size,
    encodable,
    text_condition,
)
from shared.protocol.search.query_lexer import QueryTerm, TermKind, terms
from shared.protocol.search.words import is_unspaced

_TEXT_FIELDS = {field.value: field for field in SearchField if field is not SearchField.ANYWHERE}
_VALUE_FIELDS = {
    **dict.fromkeys(("before", "after", "on"), "2026-01-31 or 7d"),
    **dict.fromkeys(("larger", "smaller"), "5M"),
    "is": "unread",
    "has": "attachment",
    "in": "INBOX",
    "keyword": "work",
    "header": "List-Id:announce",
}
"""With an example."""
FIELDS = frozenset((*_TEXT_FIELDS, *_VALUE_FIELDS))
_KEYWORD_SPECIALS = frozenset('(){%*"\\]')


def parse_query(query: str, now: datetime) -> QueryTree:
    """The tree of a query. Days begin in the time zone of `now`. Raises QueryError with a sentence for the user."""
    if len(query) > LONGEST_QUERY or len(encodable(query).encode()) > LONGEST_QUERY:
        raise QueryError(f"The query is longer than {LONGEST_QUERY} octets.")
    reader = _TermReader(list(terms(encodable(query), FIELDS)))
    if reader.current.kind is TermKind.END:
        return EVERYTHING
    tree = _QueryParser(reader, now).whole()
    check_size(tree)
    return tree


class _TermReader:
    def __init__(self, all_terms: list[QueryTerm]) -> None:
        self._terms = [term for term in all_terms if not _says_nothing(term)]
        self._at = 0
        if len(all_terms) > 1 and len(self._terms) == 1:
            raise QueryError("The query has nothing that can be looked for.", all_terms[0].position)

    @property
    def current(self) -> QueryTerm:
        return self._terms[self._at]

    def take(self) -> QueryTerm:
        term = self._terms[self._at]
        self._at = min(self._at + 1, len(self._terms) - 1)
        return term

    def take_if(self, kind: TermKind) -> bool:
        if self.current.kind is not kind:
            return False
        self.take()
        return True


class _QueryParser:
    def __init__(self, reader: _TermReader, now: datetime) -> None:
        self._reader = reader
        self._now = now
        self._depth = 0
        self._field = SearchField.ANYWHERE
        """Where words without a field are looked for: `from:(ann bob)` names it for a group."""

    def whole(self) -> QueryTree:
        tree = self._any()
        if self._reader.current.kind is TermKind.CLOSE:
            raise QueryError("There is no opening parenthesis for this one.", self._reader.current.position)
        return tree

    def _any(self) -> QueryTree:
        parts = [self._every()]
        while self._reader.take_if(TermKind.OR):
            parts.append(self._every())
        return any_of(parts)

    def _every(self) -> QueryTree:
        parts = [self._part()]
        while True:
            if not self._reader.take_if(TermKind.AND) and self._reader.current.kind in _ENDS_CONJUNCTION:
                return all_of(parts)
            parts.append(self._part())

    def _part(self) -> QueryTree:
        negated = False
        while self._reader.take_if(TermKind.NOT):
            negated = not negated
        tree = self._positive()
        return NoneOf((tree,)) if negated else tree

    def _positive(self) -> QueryTree:
        term = self._reader.take()
        if term.kind is TermKind.OPEN:
            return self._group(term, self._field)
        if term.kind is not TermKind.TEXT:
            raise QueryError(_missing(term), term.position)
        if term.text or term.quoted or term.header:
            return self._key(term)
        if term.field in _TEXT_FIELDS and self._reader.current.kind is TermKind.OPEN and not term.exact:
            return self._group(self._reader.take(), _TEXT_FIELDS[term.field])
        raise QueryError(f"The value of {term.field}: is missing.{_example(term.field)}", term.position)

    def _group(self, opening: QueryTerm, field: SearchField) -> QueryTree:
        if self._depth == DEEPEST:
            raise QueryError(f"More than {DEEPEST} parentheses are nested.", opening.position)
        outer, self._field = self._field, field
        self._depth += 1
        tree = self._any()
        self._depth -= 1
        self._field = outer
        if not self._reader.take_if(TermKind.CLOSE):
            raise QueryError("This parenthesis is not closed.", opening.position)
        return tree

    def _key(self, term: QueryTerm) -> QueryTree:
        if term.field and term.field not in _TEXT_FIELDS:
            try:
                return self._value(term)
            except values.BadValue as error:
                raise QueryError(str(error), term.position) from None
        field = _TEXT_FIELDS[term.field] if term.field else self._field
        if term.exact:
            return TextKey(field, _not_empty(term))
        key = text_condition(field, term.text, prefix=term.prefix)
        if key is None:
            raise QueryError("There is nothing between the quotation marks.", term.position)
        if term.prefix and isinstance(key, WordKey):
            _check_prefix(key, term)
        return key

    def _value(self, term: QueryTerm) -> QueryTree:
        text = term.text
        if not text and not term.header:
            raise values.BadValue(f"The value of {term.field}: is missing.{_example(term.field)}")
        match term.field:
            case "before" | "after" | "on":
                return values.received(term.field, text, self._now)
            case "larger" | "smaller":
                return values.size(term.field, text)
            case "is":
                return values.state(text)
            case "has":
                return _attachment(text)
            case "in":
                return MailboxNameKey(text)
            case "keyword":
                return _keyword(text)
            case _:
                return HeaderKey(term.header, text)


_ENDS_CONJUNCTION = frozenset((TermKind.OR, TermKind.CLOSE, TermKind.END))


def _says_nothing(term: QueryTerm) -> bool:
    """Whether a term is only of punctuation, as the `&` in `Tom & Jerry`; symbols such as emoji can be looked for."""
    if term.kind is not TermKind.TEXT or term.field or term.quoted or term.exact or not term.text:
        return False
    return all(
        character.isascii() or unicodedata.category(character)[0] in "PZC" for character in term.text
    ) and not any(map(str.isalnum, term.text))


def _missing(term: QueryTerm) -> str:
    match term.kind:
        case TermKind.END:
            return "The query ends where a word is missing."
        case TermKind.CLOSE:
            return "A word is missing before this parenthesis."
        case _:
            return f"A word is missing before {term.kind.value}. To look for this word, write it in small characters."


def _example(field: str) -> str:
    example = _VALUE_FIELDS.get(field, "word")
    return f" An example: {field}:{example.split(' or ', maxsplit=1)[0]}."


def _not_empty(term: QueryTerm) -> str:
    if not term.text:
        raise QueryError("There is nothing between the quotation marks.", term.position)
    return term.text


def _check_prefix(key: WordKey, term: QueryTerm) -> None:
    last = key.words.tokens[-1]
    if len(last) < SHORTEST_PREFIX and not is_unspaced(last):
        raise QueryError(f"Before a star at least {SHORTEST_PREFIX} characters are needed.", term.position)


def _attachment(text: str) -> AttachmentKey:
    if text.lower() not in ("attachment", "attachments"):
        raise values.BadValue("After has: only attachment is possible.")
    return AttachmentKey(True)


def _keyword(text: str) -> FlagKey:
    """A keyword is an atom (RFC 3501 §9)."""
    if len(text) > 255 or not text.isascii() or not text.isprintable() or " " in text or _KEYWORD_SPECIALS & set(text):
        raise values.BadValue("This is no name of a keyword.")
    return FlagKey(text, True)
