"""The folded texts of an account: documents that follow each other are compressed together, long ones in pieces.

A block has the number of its first document, and a layout: for each document its distance from the first, and where
each of its sections ends in the octets of the block. A long document has a block of its own, and its further pieces
follow.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import NamedTuple

import apsw
import zstandard

from services.indexer.adapters.fetched import fetched
from services.indexer.domain.places import Numbers

BLOCK = 20 * 1024
"""Octets of texts that are compressed together."""
PIECE = 256 * 1024
"""Octets of a piece of a long document."""
_PIECES = 12
"""Bits of the number of a piece in the id of a row."""
_LEVEL = 1
"""Of compression. A search decompresses, which takes longer at higher levels that save little."""
_DENSE = 5
"""When at least one document in this many is asked for, all blocks are read in order."""
_COLUMNS = "id, last, pieces, layout, frame"
_Row = tuple[int, int, int, bytes, bytes]
_PACKED = 128
"""Blocks that are looked at in one step of packing."""


class Sections(NamedTuple):
    """The texts of a document in a table, as octets."""

    document: int
    octets: tuple[bytes, ...]


class Block(NamedTuple):
    """A block as it is stored."""

    id: int
    last: int
    """Its last document."""
    pieces: int
    """Of a long document; other blocks have a single piece."""
    layout: bytes
    frame: bytes

    @property
    def first(self) -> int:
        """The number from which the layout counts."""
        return self.id >> _PIECES


class TextBlocks:
    """A table of texts; `width` is the number of sections of a document."""

    def __init__(self, table: str, width: int) -> None:
        self.table = table
        self.width = width
        self.schema = (
            f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, last INTEGER NOT NULL, pieces INTEGER NOT NULL,"
            " octets INTEGER NOT NULL, layout BLOB NOT NULL, frame BLOB NOT NULL);"
        )

    def layout(self, block: Block) -> list[tuple[int, ...]]:
        """For each document: its distance from the first, where its first section begins, and where each one ends."""
        numbers = struct.unpack(f"<{len(block.layout) // 4}I", block.layout)
        size = self.width + 1
        starts = (0, *numbers[self.width :: size])
        return list(zip(numbers[::size], starts, *(numbers[column::size] for column in range(1, size)), strict=False))

    def add(self, connection: apsw.Connection, documents: Sequence[Sections]) -> int:
        """Write texts of ascending documents; returns how many octets they have."""
        group: list[Sections] = []
        size = total = 0
        for document in documents:
            octets = sum(map(len, document.octets))
            if group and size + octets > BLOCK:
                self._write(connection, group)
                group, size = [], 0
            group.append(document)
            size += octets
            total += octets
        if group:
            self._write(connection, group)
        return total

    def _write(self, connection: apsw.Connection, group: Sequence[Sections], id_: int | None = None) -> None:
        first = group[0].document if id_ is None else id_ >> _PIECES
        layout = _packed_layout(first, group)
        data = b"".join(octets for document in group for octets in document.octets)
        size = max(PIECE, -(-len(data) // ((1 << _PIECES) - 1)))
        pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        for number, piece in enumerate(pieces):
            row = (
                first << _PIECES | number,
                group[-1].document,
                0 if number else len(pieces),
                len(piece),
                b"" if number else layout,
                compressor.compress(piece),
            )
            connection.execute(f"INSERT INTO {self.table} VALUES(?, ?, ?, ?, ?, ?)", row)

    def blocks(self, connection: apsw.Connection, documents: Numbers) -> Iterator[tuple[Block, list[int]]]:
        """The blocks of documents, which ascend; with each those of the documents that are in it."""
        numbers: list[int] = documents.tolist()
        if not numbers:
            return
        dense = len(numbers) * _DENSE > numbers[-1] - numbers[0]
        start = 0
        for row in self._all_between(connection, numbers) if dense else self._as_needed(connection, numbers):
            if start < len(numbers) and row[1] >= numbers[start]:
                block = Block(*row)
                start = bisect_left(numbers, block.first, start)
                end = bisect_right(numbers, block.last, start)
                if end > start:
                    yield block, numbers[start:end]
                    start = end

    def _all_between(self, connection: apsw.Connection, numbers: Sequence[int]) -> Iterator[_Row]:
        first = self._row_at(connection, numbers[0])
        begin = first[0] if first else numbers[0] << _PIECES
        query = f"SELECT {_COLUMNS} FROM {self.table} WHERE id BETWEEN ? AND ? AND pieces ORDER BY id"  # noqa: S608
        with closing(connection.cursor()) as cursor:
            yield from cursor.execute(query, (begin, numbers[-1] << _PIECES))

    def _as_needed(self, connection: apsw.Connection, numbers: Sequence[int]) -> Iterator[_Row]:
        read = -1
        for number in numbers:
            if number > read:
                row = self._row_at(connection, number)
                if row is not None and row[1] >= number:
                    read = row[1]
                    yield row

    def _row_at(self, connection: apsw.Connection, document: int) -> _Row | None:
        """The row of the block that a document would be in."""
        query = f"SELECT {_COLUMNS} FROM {self.table} WHERE id <= ? ORDER BY id DESC LIMIT 1"  # noqa: S608
        rows = fetched(connection, query, (document << _PIECES,))
        return rows[0] if rows and rows[0][2] else None

    def pieces(self, connection: apsw.Connection, block: Block) -> Iterator[bytes]:
        """The octets of a block, piece by piece."""
        decompressor = zstandard.ZstdDecompressor()
        yield decompressor.decompress(block.frame)
        for number in range(1, block.pieces):
            query = f"SELECT frame FROM {self.table} WHERE id = ?"  # noqa: S608
            rows = fetched(connection, query, (block.id + number,))
            yield decompressor.decompress(rows[0][0])

    def read(self, connection: apsw.Connection, documents: Numbers) -> Iterator[Sections]:
        """The texts of documents, which ascend."""
        for block, inside in self.blocks(connection, documents):
            chosen = set(inside)
            yield from (sections for sections in self._unpacked(connection, block) if sections.document in chosen)

    def _unpacked(self, connection: apsw.Connection, block: Block) -> Iterator[Sections]:
        data = b"".join(self.pieces(connection, block))
        for distance, *bounds in self.layout(block):
            yield Sections(block.first + distance, tuple(data[start:end] for start, end in pairwise(bounds)))

    def remove(self, connection: apsw.Connection, documents: Numbers) -> int:
        """Remove the texts of documents, which ascend; returns how many octets they had."""
        removed = 0
        for block, inside in list(self.blocks(connection, documents)):
            gone = set(inside)
            sections = list(self._unpacked(connection, block))
            removed += sum(sum(map(len, part.octets)) for part in sections if part.document in gone)
            self._delete(connection, block)
            rest = [part for part in sections if part.document not in gone]
            if rest:
                self._write(connection, rest, block.id)
        return removed

    def _delete(self, connection: apsw.Connection, block: Block) -> None:
        query = f"DELETE FROM {self.table} WHERE id BETWEEN ? AND ?"  # noqa: S608
        connection.execute(query, (block.id, block.id + block.pieces - 1))

    def pack(self, connection: apsw.Connection, start: int) -> int:
        """Join small blocks from an id on; returns the id to go on from, or -1 at the end."""
        query = f"SELECT id, last, pieces, octets, layout, frame FROM {self.table} WHERE id >= ? ORDER BY id LIMIT ?"  # noqa: S608
        rows = fetched(connection, query, (start, _PACKED))
        group: list[Block] = []
        size = 0
        for id_, last, pieces, octets, layout, frame in rows:
            if pieces != 1 or size + octets > BLOCK:
                self._join(connection, group)
                group, size = [], 0
            if pieces == 1:
                group.append(Block(id_, last, pieces, layout, frame))
                size += octets
        if len(rows) < _PACKED:
            self._join(connection, group)
            return -1
        if group and group[0].id > start:
            return group[0].id
        self._join(connection, group)
        return start if len(group) > 1 else int(rows[-1][0]) + 1

    def _join(self, connection: apsw.Connection, group: Sequence[Block]) -> None:
        if len(group) > 1:
            sections = [part for block in group for part in self._unpacked(connection, block)]
            for block in group:
                self._delete(connection, block)
            self._write(connection, sections, group[0].id)


def _packed_layout(first: int, group: Sequence[Sections]) -> bytes:
    numbers, end = [], 0
    for document in group:
        numbers.append(document.document - first)
        for octets in document.octets:
            end += len(octets)
            numbers.append(end)
    return struct.pack(f"<{len(numbers)}I", *numbers)
