"""Which documents may contain a text, from trigrams in FTS5 tables without content and without positions.

Texts are folded before they come here, so the tables distinguish case. Each text ends with two line ends, so that every
character begins a trigram, and a needle of one or two characters is asked for as the beginning of trigrams.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import apsw
import numpy as np

from services.indexer.adapters.fetched import fetched
from services.indexer.domain.places import NONE, Numbers, ascending

_UNSTORED = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT = "\ufffd"
_INEXACT = re.compile("[\n\ufffd]")
_MOST = 32
"""Trigrams of a needle that are asked for; the text itself is compared afterwards."""
_PIECE = 1 << 18
_HASH = 2 * 1024 * 1024
"""Octets of trigrams that are collected in memory before they are written."""


class Grams(StrEnum):
    """The tables, by what they cover."""

    HEADER = "header_gram"
    """The header, the headers of parts, and fields whose text is not in the header."""
    BODY = "body_gram"
    ATTACHMENTS = "attachment_gram"


FIELD_TABLE = "field_gram"
FIELD_COLUMNS = {"subject": "subject", "from": "sender", "to": "recipient", "cc": "copied"}
"""The fields that are asked for most, by their names. A header has nearly every short text somewhere, so the header
table does not help with them."""
_COLUMNS = ", ".join(FIELD_COLUMNS.values())
GRAM_SCHEMA = "".join(
    f"CREATE VIRTUAL TABLE {table} USING fts5(text, content='', contentless_delete=1, detail=none,"
    f" tokenize='trigram case_sensitive 1');"
    f"INSERT INTO {table}({table}, rank) VALUES('hashsize', {_HASH});"
    for table in Grams
)
GRAM_SCHEMA += (
    f"CREATE VIRTUAL TABLE {FIELD_TABLE} USING fts5({_COLUMNS}, content='',"
    " contentless_delete=1, detail=column, tokenize='trigram case_sensitive 1');"
)


class Expression(NamedTuple):
    """A question to a table, and whether each document that it gives contains the text."""

    text: str
    is_exact: bool


def storable(text: str) -> str:
    """The text without the characters that FTS5 cannot hold. Long texts are looked through in pieces, because other
    threads wait meanwhile."""
    if text.isascii() and "\0" not in text:
        return text
    return "".join(_UNSTORED.sub(_REPLACEMENT, text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))


def add_text(connection: apsw.Connection, table: Grams, document: int, text: str) -> None:
    """Index a text of a new document."""
    if text:
        connection.execute(f"INSERT INTO {table}(rowid, text) VALUES(?, ?)", (document, storable(text) + "\n\n"))


def add_fields(connection: apsw.Connection, document: int, fields: Iterable[tuple[str, str]]) -> None:
    """Index the fields that have columns."""
    columns: dict[str, list[str]] = {name: [] for name in FIELD_COLUMNS}
    for name, text in fields:
        if name in columns and text:
            columns[name].append(text)
    texts = [storable("\n".join(parts)) + "\n\n" if parts else "" for parts in columns.values()]
    connection.execute(f"INSERT INTO {FIELD_TABLE}(rowid, {_COLUMNS}) VALUES(?, ?, ?, ?, ?)", (document, *texts))


def expression(needle: str) -> Expression:
    """The question for a folded needle, which is not empty."""
    text = storable(needle)
    is_plain = not _INEXACT.search(text)
    if len(text) < 3:
        return Expression(_quoted(text) + " *", is_plain)
    count = len(text) - 2
    starts = range(count) if count <= _MOST else [index * (count - 1) // (_MOST - 1) for index in range(_MOST)]
    grams = dict.fromkeys(text[start : start + 3] for start in starts)
    return Expression(" AND ".join(map(_quoted, grams)), is_plain and len(text) == 3)


def in_column(question: Expression, name: str) -> Expression:
    """The question to the column of a field."""
    return Expression(f"{FIELD_COLUMNS[name]} : ({question.text})", question.is_exact)


def _quoted(gram: str) -> str:
    return '"' + gram.replace('"', '""') + '"'


def candidates(connection: apsw.Connection, table: str, question: str, low: int, high: int) -> Numbers:
    """The documents between two numbers that a question gives, ascending. They come in a single step, because each step
    of a statement gives up the interpreter's lock and waits for it."""
    query = f"SELECT group_concat(rowid) FROM {table} WHERE {table} MATCH ? AND rowid BETWEEN ? AND ?"  # noqa: S608
    rows = fetched(connection, query, (question, low, high))
    return numbers_in(rows[0][0])


def numbers_in(listed: str | None) -> Numbers:
    """Numbers that are listed with commas, ascending."""
    return ascending(np.fromstring(listed, dtype=np.int64, sep=",")) if listed else NONE


def ask_by_grams(connection: apsw.Connection) -> None:
    """Let this connection ask for the beginnings of trigrams: a term in quotes is taken as it is. It cannot write."""
    connection.register_fts5_tokenizer("trigram", _whole_terms)


def _whole_terms(_connection: apsw.Connection, _arguments: list[str]) -> apsw.Tokenizer:
    return _whole_term


def _whole_term(utf8: bytes, _flags: int, _locale: str | None) -> list[tuple[int, int, str]]:
    return [(0, len(utf8), utf8.decode())] if utf8 else []
