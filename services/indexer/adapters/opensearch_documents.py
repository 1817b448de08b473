"""Messages as documents of OpenSearch, and the texts that a document keeps for comparison."""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import orjson
import zstandard

from services.indexer.adapters.embedded_texts import beside_header
from services.indexer.adapters.gram_tables import storable
from services.indexer.adapters.header_fields import (
    field_values,
    fields_apart,
    octets_of,
    packed_fields,
    unpacked_fields,
)
from services.indexer.adapters.opensearch_mapping import FIELDS, STORED
from services.indexer.domain.document import Document
from shared.opensearch.bulk import DELETE, INDEX, BulkWrite
from shared.protocol.search.message_words import WordTexts, word_texts
from shared.protocol.search.words import words

_LEVEL = 3
_LENGTHS = struct.Struct("<3Q")
_WORD_FIELDS = (b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")


class TextOwner(NamedTuple):
    """Whose documents are meant: an account, in the epoch of its notes."""

    account: str
    epoch: str

    def id(self, number: int) -> str:
        """The id of a document. It never names another text, whatever is lost."""
        return f"{self.account}.{self.epoch}.{number}"


class KeptTexts(NamedTuple):
    """The texts of a document in octets, as they are compared."""

    header: bytes
    part_headers: bytes
    apart: bytes
    """The fields that the header does not show, packed."""
    body: bytes
    attachments: bytes = b""

    @property
    def octets(self) -> int:
        """The octets of the message's own texts."""
        return len(self.header) + len(self.part_headers) + len(self.apart) + len(self.body)


class ComparedText(NamedTuple):
    """Sections of a document, as a block of texts has them."""

    data: bytes
    row: tuple[int, ...]
    """As in the layout of a block: a distance of 0, where the first section begins, and where each one ends."""


def kept(document: Document) -> KeptTexts:
    """The texts of a message."""
    header = octets_of(document.header)
    apart = packed_fields(fields_apart(document.fields, header))
    return KeptTexts(header, octets_of(document.part_headers), apart, octets_of(document.body))


def index_write(target: str, owner: TextOwner, number: int, texts: KeptTexts, version: int) -> BulkWrite:
    """The write that puts a document into the index, or replaces it."""
    source = orjson.dumps(_source(owner, number, texts))
    options = {"routing": owner.account, "version": version, "version_type": "external", "require_alias": True}
    return BulkWrite(INDEX, target, owner.id(number), source, options)


def deletion(target: str, owner: TextOwner, number: int, version: int) -> BulkWrite:
    """The write that deletes a document."""
    options = {"routing": owner.account, "version": version, "version_type": "external"}
    return BulkWrite(DELETE, target, owner.id(number), b"", options)


def _source(owner: TextOwner, number: int, texts: KeptTexts) -> dict[str, Any]:
    body, attachments = _text(texts.body), _text(texts.attachments)
    fields = {name: field_values(texts.header, texts.apart, name) for name in _WORD_FIELDS}
    shown = word_texts(((name.decode(), _text(value)) for name in fields for value in fields[name]), body, attachments)
    return {
        "account": owner.account,
        "epoch": owner.epoch,
        "number": number,
        "head": _grams((texts.header, texts.part_headers)),
        "beside": [storable(text) for text in beside_header(unpacked_fields(texts.apart), texts.header)],
        "body": _grams((texts.body,)),
        "attachment": _grams((texts.attachments,)),
        "field": {path.partition(".")[2]: _grams(fields[name.encode()]) for name, path in FIELDS.items()},
        "word": _words(shown),
        "stored": _stored(texts),
    }


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogatepass")


def _grams(texts: Iterable[bytes]) -> list[str]:
    return [storable(_text(text)) for text in texts if text]


def _words(texts: WordTexts) -> dict[str, str]:
    return {name: words(text) for name, text in texts._asdict().items() if text}


def _stored(texts: KeptTexts) -> dict[str, str]:
    sections = (texts.header, texts.part_headers, texts.apart)
    return {
        "top": _packed(_LENGTHS.pack(*map(len, sections)) + b"".join(sections)),
        "main": _packed(texts.body),
        "more": _packed(texts.attachments),
    }


def _packed(octets: bytes) -> str:
    return b64encode(zstandard.compress(octets, _LEVEL)).decode() if octets else ""


def _unpacked(stored: Mapping[str, str], name: str) -> bytes:
    packed = stored.get(name, "")
    return zstandard.decompress(b64decode(packed)) if packed else b""


def read_texts(stored: Mapping[str, str]) -> KeptTexts:
    """The texts that a document keeps."""
    top = compared_text(stored, "top")
    header, part_headers, apart = (top.data[start:end] for start, end in pairwise(top.row[1:]))
    return KeptTexts(header, part_headers, apart, *(_unpacked(stored, name) for name in STORED[1:]))


def compared_text(stored: Mapping[str, str], name: str) -> ComparedText:
    """Some of the texts that a document keeps, as they are compared."""
    data = _unpacked(stored, name)
    if name != "top":
        return ComparedText(data, (0, 0, len(data)))
    row = (0, 0, *accumulate(_LENGTHS.unpack_from(data)))
    return ComparedText(data[_LENGTHS.size :], row)


def stored_of(answers: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, str]]:
    """By id, what the documents of an answer keep; documents that are not there are left out."""
    return {answer["_id"]: answer["_source"]["stored"] for answer in answers if answer.get("found")}
