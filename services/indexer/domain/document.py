"""What is searched of a message, and which questions can be asked about it."""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple

import msgspec


class Document(msgspec.Struct, frozen=True):
    """The texts of a message as `shared.protocol.message.search_texts` defines them, folded.

    Messages of an account with the same key have the same texts, so a copy is indexed once.
    """

    key: bytes
    fields: tuple[tuple[str, str], ...]
    """The fields of the message's own header: the folded name, and a text that HEADER looks at."""
    header: str
    """The lines of the message's own header that TEXT looks at, each with a line end."""
    part_headers: str
    """The headers of the message's parts, for TEXT."""
    body: str
    """What BODY looks at."""


class SearchedPart(IntEnum):
    """What a question looks at; the values are those of the contract."""

    FIELD = 1
    """Fields of one name in the message's own header (HEADER, SUBJECT, FROM, TO, CC, BCC)."""
    BODY = 2
    TEXT = 3
    """Header, part headers and body, each by itself."""
    ATTACHMENTS = 4
    """The text that was extracted from attachments, which neither BODY nor TEXT looks at."""


class IndexQuestion(NamedTuple):
    """Whether a message contains a folded text; the text is never empty."""

    kind: SearchedPart
    text: str
    name: str = ""
    """The folded name of the field, for FIELD."""


def document_key(blob: str, prefix: bytes) -> bytes:
    """The key of the texts of a message: its body and the lines that delivery put on top of it."""
    return blake2b(prefix, digest_size=16, key=blob.encode()[:64]).digest()
