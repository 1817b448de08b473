"""One message under examination: its row at hand, its bytes read and decoded only when a key asks for them.

What each key looks at is said in `shared.protocol.message.search_texts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from shared.blobs.port import Blob
from shared.protocol.message.dates import written_day
from shared.protocol.message.headers import header_value
from shared.protocol.message.scan import Scan, decode_scan, header_end
from shared.protocol.message.search_texts import (
    HEADER_LIMIT,
    body_texts,
    field_texts,
    header_texts,
    part_header_texts,
)

_PAGE = 65536
"""Characters decoded in one turn of the event loop."""


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


class TextNeeded(Exception):
    """A text of a large message must be read in pages before the test: `Candidate.read(name)`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Candidate:
    """Lends a message to the keys of a search. All texts are without case."""

    def __init__(self, row: EntryRow, blob: Blob | None) -> None:
        self.row = row
        self._blob = blob
        self._read: dict[str, str] = {}

    @property
    def sent_day(self) -> int | None:
        """The day that the Date: field names, as days since 1970-01-01, «disregarding time and timezone» (RFC 3501
        6.4.4).
        """
        return written_day(header_value(self._block, b"date") or b"")

    def values(self, name: str) -> list[str]:
        """The texts of the header fields under a name without case."""
        return [text.casefold() for text in field_texts(self._block, name)]

    @property
    def header(self) -> str:
        """The lines of the message's own header. Raises TextNeeded."""
        return self._text("header")

    @property
    def part_headers(self) -> str:
        """The headers of its parts. Raises TextNeeded."""
        return self._text("part_headers")

    @property
    def body(self) -> str:
        """What BODY looks at. Raises TextNeeded."""
        return self._text("body")

    async def read(self, name: str) -> None:
        """Read the text that a TextNeeded names, others being served between its pages."""
        pieces, waiting = [], 0
        for piece in self._pieces(name):
            pieces.append(piece)
            waiting += len(piece)
            if waiting >= _PAGE:
                waiting = 0
                await asyncio.sleep(0)
        self._read[name] = "".join(pieces)

    def _text(self, name: str) -> str:
        if name not in self._read:
            if self._is_large:
                raise TextNeeded(name)
            self._read[name] = "".join(self._pieces(name))
        return self._read[name]

    def _pieces(self, name: str) -> Iterator[str]:
        """The pieces of a text without case, to be put together as they are."""
        if name == "header":
            return (line.casefold() + "\n" for line in header_texts(self._block))
        if self._blob is None:
            return iter(())
        if name == "part_headers":
            return (line.casefold() + "\n" for line in part_header_texts(self._blob, self._scanned))
        return (text.casefold() for text in body_texts(self._blob, self._scanned))

    @property
    def _is_large(self) -> bool:
        return self._blob is not None and self._blob.body_size > _PAGE

    @cached_property
    def _block(self) -> bytes:
        if self._blob is None:
            return self.row.prefix
        return self.row.prefix + self._blob.read(0, min(header_end(self._blob.scan), HEADER_LIMIT))

    @cached_property
    def _scanned(self) -> Scan:
        assert self._blob is not None
        return decode_scan(self._blob.scan)
