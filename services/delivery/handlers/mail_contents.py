"""Reads the messages over which scripts run, each once for a mail, and stores those that scripts have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.delivery.domain.edited_copy import EditedParts, divided
from services.delivery.domain.script_chain import MessageForm
from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blob, Blobs
from shared.protocol.message.scan import Scan, Scanner, encode_scan
from shared.protocol.sieve.actions import UNEDITED, MessageEdits
from shared.scans import finished, report_failure, scan_of

_HEADER_ON_LOOP = 64 * 1024
"""Octets of header that are divided into fields on the event loop; a larger one is in a thread."""
_PIECE = 256 * 1024


class MailContent(NamedTuple):
    """A stored message with its scan."""

    blob: Blob
    scan: Scan


class MailContents:
    """The messages of one mail: the accepted one, and those that scripts have made of it. Raises BlobError."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._read: dict[str, MailContent] = {}
        """The message that was read last; scripts of many accounts begin with the same one."""

    async def of(self, blob_id: str) -> MailContent:
        """A message by its blob."""
        known = self._read.get(blob_id)
        if known is None:
            blob = await self._blobs.read(BlobId(blob_id))
            known = MailContent(blob, await scan_of(self._blobs, blob))
            self._read = {blob_id: known}
        return known

    async def form_of(
        self, edits: MessageEdits, before: MessageForm, prefix: bytes, content: MailContent
    ) -> MessageForm:
        """The form of a message after the edits of a script, which saw it in the form `before`.

        `prefix` is what the script saw on top, without what earlier scripts have added. A message that has changed in
        more than lines on top of it is stored.
        """
        if edits == UNEDITED:
            return before
        parts = await self._divided(edits, before.added, prefix, content)
        left = before.prefix if parts.prefix is None else parts.prefix
        if parts.header is None and parts.content is None:
            return MessageForm(parts.added, left, before.edited, before.edited_size)
        stored, size = await self._store(_pieces(parts, content))
        return MessageForm(parts.added, left, stored, size)

    async def _divided(self, edits: MessageEdits, added: bytes, prefix: bytes, content: MailContent) -> EditedParts:
        end = content.scan.header_end
        if edits.content is None and end <= _HEADER_ON_LOOP:
            return divided(edits, added, prefix, content.blob.read(0, end))
        return await asyncio.to_thread(lambda: divided(edits, added, prefix, content.blob.read(0, end)))

    async def _store(self, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Store a message with its scan, a piece at a time."""
        scanner = Scanner()
        with self._blobs.writer() as writer:
            for piece in pieces:
                writer.write(piece)
                scanner.feed(piece)
                await asyncio.sleep(0)
            stored = await writer.commit(encode_scan(await finished(scanner)))
        report_failure(scanner, stored.id)
        return str(stored.id), stored.size


def _pieces(parts: EditedParts, content: MailContent) -> Iterator[bytes]:
    """The changed message in pieces."""
    if parts.content is not None:
        for start in range(0, len(parts.content), _PIECE):
            yield parts.content[start : start + _PIECE]
        return
    header = (parts.header or b"") + b"\r\n"
    for start in range(0, len(header), _PIECE):
        yield header[start : start + _PIECE]
    yield from content.blob.iterate(content.scan.header_end, content.blob.body_size)
