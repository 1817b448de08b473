"""The texts of an account in its file: kept folded for comparison, as trigrams, and as words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import apsw

from services.indexer.adapters.bookkeeping import BOOKKEEPING
from services.indexer.adapters.fetched import fetched
from services.indexer.adapters.gram_tables import FIELD_TABLE, GRAM_SCHEMA, Grams, add_fields, add_text
from services.indexer.adapters.header_fields import (
    FieldsApart,
    field_values,
    fields_apart,
    octets_of,
    packed_fields,
)
from services.indexer.adapters.text_blocks import Sections, TextBlocks
from services.indexer.adapters.word_table import WORD_SCHEMA, WORD_TABLE, add_words
from services.indexer.domain.document import Document
from services.indexer.domain.places import Numbers, as_numbers
from shared.protocol.search.message_words import WordTexts, word_texts

HEADERS = TextBlocks("header_block", 3)
"""The header, the headers of parts, and the fields that the header does not show."""
BODIES = TextBlocks("body_block", 1)
ATTACHMENTS = TextBlocks("attachment_block", 1)
SCHEMA = (
    BOOKKEEPING
    + "".join(blocks.schema for blocks in (HEADERS, BODIES, ATTACHMENTS))
    + "CREATE TABLE odd(document INTEGER PRIMARY KEY);"
    + GRAM_SCHEMA
    + WORD_SCHEMA
)
FTS_TABLES = (*Grams, FIELD_TABLE, WORD_TABLE)
_SOUGHT = 50
_FIELDS = (b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")


def add_documents(connection: apsw.Connection, documents: Sequence[tuple[int, Document]]) -> int:
    """Keep the texts of new documents, by ascending number; returns how many octets they have."""
    headers, bodies = [], []
    for number, document in documents:
        header = octets_of(document.header)
        apart = fields_apart(document.fields, header)
        rest = beside_header(apart, header)
        if rest:
            connection.execute("INSERT INTO odd VALUES(?)", (number,))
        add_text(connection, Grams.HEADER, number, "\n".join((document.header, *rest, document.part_headers)))
        add_fields(connection, number, document.fields)
        add_text(connection, Grams.BODY, number, document.body)
        add_words(connection, number, word_texts(document.fields, document.body))
        headers.append(Sections(number, (header, octets_of(document.part_headers), packed_fields(apart))))
        bodies.append(Sections(number, (octets_of(document.body),)))
    return HEADERS.add(connection, headers) + BODIES.add(connection, bodies)


def beside_header(apart: FieldsApart | None, header: bytes) -> list[str]:
    """Texts of fields that are nowhere in the header: TEXT does not look at them.

    Only some are looked for in the header, because a stranger may send many; the others are taken for such texts.
    """
    if apart is None:
        return []
    texts = [text for number, (_, text) in enumerate(apart.fields) if number >= _SOUGHT or text not in header]
    return [text.decode("utf-8", "surrogatepass") for text in texts]


def add_attachments(connection: apsw.Connection, texts: Mapping[int, str]) -> int:
    """Keep the texts of attachments of documents; returns how many octets there are more."""
    numbers = as_numbers(sorted(texts))
    difference = -remove_attachments(connection, numbers)
    sections = [Sections(number, (octets_of(texts[number]),)) for number in sorted(texts) if texts[number]]
    difference += ATTACHMENTS.add(connection, sections)
    for number in sorted(texts):
        add_text(connection, Grams.ATTACHMENTS, number, texts[number])
    _index_again(connection, numbers, texts)
    return difference


def remove_attachments(connection: apsw.Connection, numbers: Numbers) -> int:
    """Remove the texts of attachments, but not their words."""
    removed = ATTACHMENTS.remove(connection, numbers)
    if removed:
        _delete(connection, Grams.ATTACHMENTS, numbers.tolist())
    return removed


def _index_again(connection: apsw.Connection, numbers: Numbers, attachments: Mapping[int, str]) -> None:
    """Index the words of documents together with those of their attachments, so that a query may ask for both."""
    bodies = {part.document: part.octets[0] for part in BODIES.read(connection, numbers)}
    for part in list(HEADERS.read(connection, numbers)):
        texts = _stored_words(part, bodies.get(part.document, b""), attachments[part.document])
        _delete(connection, WORD_TABLE, [part.document])
        add_words(connection, part.document, texts)


def _stored_words(header: Sections, body: bytes, attachments: str) -> WordTexts:
    fields = [
        (name.decode(), value.decode("utf-8", "surrogatepass"))
        for name in _FIELDS
        for value in field_values(header.octets[0], header.octets[2], name)
    ]
    return word_texts(fields, body.decode("utf-8", "surrogatepass"), attachments)


def remove_documents(connection: apsw.Connection, numbers: Numbers) -> int:
    """Remove the texts of documents, which ascend; returns how many octets they had."""
    removed = sum(blocks.remove(connection, numbers) for blocks in (HEADERS, BODIES, ATTACHMENTS))
    for table in (*FTS_TABLES, "odd"):
        _delete(connection, table, numbers.tolist())
    return removed


def _delete(connection: apsw.Connection, table: str, numbers: Iterable[int]) -> None:
    connection.executemany(f"DELETE FROM {table} WHERE rowid = ?", ((number,) for number in numbers))  # noqa: S608


def has_fields_beside(connection: apsw.Connection) -> bool:
    """Whether there are documents whose header table covers more than TEXT looks at."""
    return bool(fetched(connection, "SELECT 1 FROM odd LIMIT 1"))
