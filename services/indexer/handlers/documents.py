"""Makes the document of a stored message: the texts that reading looks at, folded."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from services.indexer.domain.document import Document, document_key
from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blob, Blobs
from shared.protocol.message.folding import fold
from shared.protocol.message.scan import Part, Scan
from shared.protocol.message.search_texts import (
    HEADER_LIMIT,
    all_field_texts,
    body_texts,
    header_texts,
    part_header_texts,
)
from shared.scans import scan_of
from shared.turns import Turns

_LARGE = 48 * 1024
"""Octets of header and text above which a document is made beside the event loop."""
_COST = 10
"""The cost of making an octet of a document, in octets examined: decoded, folded and joined."""


class ReadDocument(NamedTuple):
    """A document, and whether the message has attachments whose text can be extracted."""

    document: Document
    has_attachments: bool


class DocumentReader:
    """Reads messages from the blob store."""

    def __init__(self, blobs: Blobs, turns: Turns) -> None:
        self._blobs = blobs
        self._turns = turns

    async def read(self, blob_id: str, prefix: bytes) -> ReadDocument:
        """The document of a message with this body and these lines on top. Raises BlobError."""
        blob = await self._blobs.read(BlobId(blob_id))
        scan = await scan_of(self._blobs, blob)
        size = len(prefix) + _examined(scan)
        if size > _LARGE:
            document = await asyncio.to_thread(_document, blob, scan, prefix)
            await self._turns.spend(files=1)
        else:
            document = _document(blob, scan, prefix)
            await self._turns.spend(files=1, octets=size * _COST)
        return ReadDocument(document, any(map(_is_attachment, scan.parts)))


def _examined(scan: Scan) -> int:
    """The octets that are looked at, about: the header, and parts that are text."""
    return scan.header_end + sum(part.size for part in scan.parts if part.media_type in ("text", "message"))


def _document(blob: Blob, scan: Scan, prefix: bytes) -> Document:
    header = prefix + blob.read(0, min(scan.header_end, HEADER_LIMIT))
    return Document(
        document_key(str(blob.id), prefix),
        tuple((name, fold(text)) for name, text in all_field_texts(header)),
        fold("".join(f"{text}\n" for text in header_texts(header))),
        fold("".join(f"{text}\n" for text in part_header_texts(blob, scan))),
        "".join(map(fold, body_texts(blob, scan))),
    )


def _is_attachment(part: Part) -> bool:
    return part.media_type not in ("text", "message", "multipart", "image", "audio", "video")
