"""One message under examination: its row at hand, its bytes read and decoded only when a key asks for them."""

from __future__ import annotations

from typing import NamedTuple

from shared.blobs.port import Blob
from shared.protocol.message.dates import written_day
from shared.protocol.message.scan import Scan, decode_scan
from shared.protocol.message.text import header_lines, readable_parts

TEXT_LIMIT = 8 * 1024 * 1024
"""Octets of decoded text looked at in one message."""


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
        self._scan: Scan | None = None
        self._headers: list[tuple[str, str]] | None = None
        self._body: str | None = None

    @property
    def sent_day(self) -> int | None:
        """The day that the Date: field names, as days since 1970-01-01, «disregarding time and timezone» (RFC 3501 6.4.4)."""
        value = next((value for name, value in self.headers if name == "date"), "")
        return written_day(value.encode())

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of each header field, decoded, unfolded, without case."""
        if self._headers is None:
            block = self._blob.read(0, self._scanned.header_end) if self._blob is not None else b""
            self._headers = [(name.casefold(), value.casefold()) for name, value in header_lines(self.row.prefix + block)]
        return self._headers

    @property
    def body(self) -> str:
        """The decoded text of all text parts, without case."""
        if self._body is None:
            parts = readable_parts(self._blob.body(), self._scanned, TEXT_LIMIT) if self._blob is not None else ()
            self._body = "\n".join(text for _, text in parts).casefold()
        return self._body

    @property
    def _scanned(self) -> Scan:
        if self._scan is None:
            assert self._blob is not None
            self._scan = decode_scan(self._blob.scan)
        return self._scan
