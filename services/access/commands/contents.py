"""Sections of a stored message, read by ranges and in pieces from the prefix and the blob."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.access.commands.fetch_plan import SectionItem
from services.access.session.previews import Previews
from shared.blobs.port import CHUNK_BYTES, Blob
from shared.protocol.imap.fetch import BinarySection, BinarySize, BodySection, Partial
from shared.protocol.imap.wire_string import char8
from shared.protocol.message.scan import Scan, decode_scan
from shared.protocol.message.sections import (
    Range,
    chosen_fields,
    find_part,
    header_fields,
    section_range,
    whole_fields,
    with_blank_line,
)
from shared.protocol.message.transfer import decode_pieces, is_known
from shared.turns import Turns

_HEADER_LIMIT = 4 * 1024 * 1024
"""Octets of a header that HEADER.FIELDS examines: as many as SMTP accepts at most."""
_FIELDS_A_PIECE = 4096
"""Octets of a header whose fields are selected in one turn of the event loop."""


class UnknownEncoding(Exception):
    """The Content-Transfer-Encoding of a part is unknown, so it cannot be decoded (RFC 3516 §4.3)."""


class Piece(NamedTuple):
    """The contents of an item: `size` octets, to be read from `pieces`.

    `binary` says that there is a NUL among them.
    """

    size: int
    pieces: Iterable[bytes]
    binary: bool = False


class Contents:
    """The bytes of one message. `scan` must be given when a section needs it."""

    def __init__(self, prefix: bytes, blob: Blob, turns: Turns, scan: Scan | None = None) -> None:
        self._prefix = prefix
        self._blob = blob
        self._turns = turns
        self._scan = scan

    async def read(self, item: SectionItem) -> Piece | None:
        """A section; None when the message has no such section. Raises BlobError, UnknownEncoding."""
        match item:
            case BodySection():
                piece = await self._section(item)
                return piece and Piece(piece.size, map(char8, piece.pieces))
            case BinarySection():
                return await self._decoded(item)
            case BinarySize():
                raise TypeError("a size has no octets: ask `decoded_size`")

    async def preview(self, account: str, previews: Previews) -> str:
        """The first words. Raises BlobError."""
        return await previews.made(account, self._blob, self._scanned, self._turns)

    async def octets(self, item: BodySection) -> Piece | None:
        """A section with its octets unchanged, also NUL; None when there is no such section. Raises BlobError."""
        return await self._section(item)

    async def decoded_size(self, item: BinarySize) -> int | None:
        """The decoded size of a part for BINARY.SIZE; None when there is no such part.

        Raises BlobError, UnknownEncoding.
        """
        pieces = self._decoded_pieces(item.part)
        return None if pieces is None else (await self._measured(pieces))[0]

    async def _section(self, item: BodySection) -> Piece | None:
        requested = item.section
        if not requested.part and not requested.text:
            whole = Range(0, len(self._prefix) + self._blob.body_size)
        else:
            span = section_range(self._scanned, len(self._prefix), requested.part, requested.text)
            if span is None:
                return None
            whole = span
        if requested.fields:
            return await self._fields(item, whole)
        start, stop = _cut(whole.start, whole.stop, item.partial)
        return Piece(stop - start, self._pieces(start, stop))

    async def _fields(self, item: BodySection, header: Range) -> Piece:
        block = b"".join(self._pieces(header.start, min(header.stop, header.start + _HEADER_LIMIT)))
        exclude = item.section.text == "HEADER.FIELDS.NOT"
        if len(block) <= _FIELDS_A_PIECE:
            chosen = header_fields(block, item.section.fields, exclude)
        else:
            chosen = await self._chosen_in_turns(block, item.section.fields, exclude=exclude)
        start, stop = _cut(0, len(chosen), item.partial)
        return Piece(stop - start, (chosen[start:stop],))

    async def _chosen_in_turns(self, header: bytes, names: tuple[str, ...], *, exclude: bool) -> bytes:
        lines = []
        for fields in whole_fields(header, _FIELDS_A_PIECE):
            lines.append(chosen_fields(fields, names, exclude=exclude))
            await self._turns.spend(rows=fields.count(b"\n"))
        return with_blank_line(b"".join(lines))

    async def _decoded(self, item: BinarySection) -> Piece | None:
        """Decode a part twice, first to learn its size, because a part of any size must not be held in memory."""
        first = self._decoded_pieces(item.part)
        if first is None:
            return None
        size, binary = await self._measured(first)
        start, stop = _cut(0, size, item.partial)
        again = self._decoded_pieces(item.part)
        assert again is not None
        return Piece(stop - start, _window(again, start, stop), binary)

    async def _measured(self, pieces: Iterable[bytes]) -> tuple[int, bool]:
        """The number of octets, and whether a NUL is among them."""
        size, binary = 0, False
        for piece in pieces:
            size += len(piece)
            binary = binary or b"\0" in piece
            await self._turns.spend(octets=len(piece))
        return size, binary

    def _decoded_pieces(self, number: tuple[int, ...]) -> Iterable[bytes] | None:
        span = section_range(self._scanned, len(self._prefix), number)
        index = find_part(self._scanned, number)
        if span is None or index is None:
            return None
        raw = self._pieces(span.start, span.stop)
        if not number:
            return raw  # RFC 3516 §4.2: the whole message has no encoding that could be decoded
        encoding = self._scanned.parts[index].encoding or "7bit"
        if not is_known(encoding):
            raise UnknownEncoding(encoding)
        return decode_pieces(raw, encoding)

    def _pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes [start, stop) of prefix and body together."""
        edge = len(self._prefix)
        if start < edge:
            yield self._prefix[start : min(stop, edge)]
        if stop > edge:
            yield from self._blob.iterate(max(start, edge) - edge, stop - edge, CHUNK_BYTES)

    @property
    def _scanned(self) -> Scan:
        if self._scan is None:
            self._scan = decode_scan(self._blob.scan)
        return self._scan


def _cut(start: int, stop: int, partial: Partial | None) -> tuple[int, int]:
    """The range of a partial item (RFC 3501 §6.4.5).

    `<start.count>` counts from the beginning of the section; beyond the end of the section the range is empty.
    """
    if partial is None:
        return start, stop
    first = min(start + partial.start, stop)
    return first, min(first + partial.count, stop)


def _window(pieces: Iterable[bytes], start: int, stop: int) -> Iterator[bytes]:
    at = 0
    for piece in pieces:
        first, last = max(start - at, 0), min(stop - at, len(piece))
        if first < last:
            yield piece[first:last]
        at += len(piece)
        if at >= stop:
            return
