"""One message under examination: its row at hand, its bytes read and decoded only when a key asks for them."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from shared.blobs.port import Blob
from shared.protocol.message.dates import written_day
from shared.protocol.message.headers import header_values
from shared.protocol.message.scan import Scan, decode_scan, header_end
from shared.protocol.message.text import header_lines, readable_parts
from shared.protocol.message.words import decode_words

TEXT_LIMIT = 8 * 1024 * 1024
"""Octets of decoded text looked at in one message."""
_PLAIN_NAME = re.compile(r"[^\x00-\x20:\x7f-\U0010ffff]+")


class EntryRow(NamedTuple):
    """A message as the store's row has it."""

    uid: int
    system: int
    keywords: str
    modseq: int
    size: int
    internal_date: int
    content: str
    thread: str
    blob: str
    prefix: bytes


class Candidate:
    """Lends a message to the keys of a search."""

    def __init__(self, row: EntryRow, blob: Blob | None) -> None:
        self.row = row
        self._blob = blob

    @property
    def sent_day(self) -> int | None:
        """The day that the Date: field names, as days since 1970-01-01, «disregarding time and timezone» (RFC 3501
        6.4.4).
        """
        value = next((value for name, value in self.headers if name == "date"), "")
        return written_day(value.encode())

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of each header field, decoded, unfolded, without case."""
        return [(name.casefold(), value.casefold()) for name, value in header_lines(self._block)]

    def values(self, name: str) -> list[str]:
        """The values in `headers` under a name without case. The other fields are not decoded: that would be half the
        work of a search.
        """
        # A name of other letters may be one of plain letters without case (U+017F is an s).
        if _PLAIN_NAME.fullmatch(name) and self._block.isascii():
            return [decode_words(value).casefold() for value in header_values(self._block, name)]
        return [value for field, value in self.headers if field == name]

    @cached_property
    def body(self) -> str:
        """The decoded text of all text parts, without case."""
        parts = readable_parts(self._blob.body(), self._scanned, TEXT_LIMIT) if self._blob is not None else ()
        return "\n".join(text for _, text in parts).casefold()

    @cached_property
    def _block(self) -> bytes:
        return self.row.prefix + (self._blob.read(0, header_end(self._blob.scan)) if self._blob is not None else b"")

    @cached_property
    def _scanned(self) -> Scan:
        assert self._blob is not None
        return decode_scan(self._blob.scan)
