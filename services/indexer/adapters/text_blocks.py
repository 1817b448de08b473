"""The folded texts of an account: documents that follow each other are compressed together, long ones in pieces.

A block has the number of its first document, and a layout: for each document its distance from the first, and where
each of its sections ends in the octets of the block. A long document has a block of its own, and its further pieces
follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import apsw
import numpy as np
import numpy.typing as npt
import zstandard

from services.indexer.adapters.fetched import fetched
from services.indexer.domain.places import Numbers

BLOCK = 16 * 1024
"""Octets of texts that are compressed together."""
PIECE = 256 * 1024
"""Octets of a piece of a long document."""
_PIECES = 12
"""Bits of the number of a piece in the id of a row."""
_LEVEL = 3
_DENSE = 16
"""When at least one document in this many is asked for, all blocks are read in order."""
Layout = npt.NDArray[np.uint32]
_PACKED = 128
"""Blocks that are looked at in one step of packing."""


class Sections(NamedTuple):
    """The texts of a document in a table, as octets."""

    document: int
    octets: tuple[bytes, ...]


class Block(NamedTuple):
    """A block as it is stored."""

    id: int
    pieces: int
    layout: bytes
    frame: bytes

    @property
    def first(self) -> int:
        return self.id >> _PIECES


class TextBlocks:
    """A table of texts; `width` is the number of sections of a document."""

    def __init__(self, table: str, width: int) -> None:
        self.table = table
        self.width = width
        self.schema = (
            f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, pieces INTEGER NOT NULL, octets INTEGER NOT NULL,"
            " layout BLOB NOT NULL, frame BLOB NOT NULL);"
        )

    def layout(self, block: Block) -> Layout:
        """The rows of a layout: the document's distance from the first, then the ends of its sections."""
        return np.frombuffer(block.layout, dtype="<u4").reshape(-1, self.width + 1)

    def last(self, block: Block) -> int:
        """The last document of a block."""
        return block.first + int.from_bytes(block.layout[-4 * (self.width + 1) : -4 * self.width], "little")

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
        rows, end = [], 0
        for document in group:
            ends = []
            for octets in document.octets:
                end += len(octets)
                ends.append(end)
            rows.append((document.document - first, *ends))
        data = b"".join(octets for document in group for octets in document.octets)
        layout = np.array(rows, dtype="<u4").tobytes()
        size = max(PIECE, -(-len(data) // ((1 << _PIECES) - 1)))
        pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        for number, piece in enumerate(pieces):
            row = (
                first << _PIECES | number,
                0 if number else len(pieces),
                len(piece),
                b"" if number else layout,
                compressor.compress(piece),
            )
            connection.execute(f"INSERT INTO {self.table} VALUES(?, ?, ?, ?, ?)", row)

    def blocks(self, connection: apsw.Connection, documents: Numbers) -> Iterator[tuple[Block, list[int]]]:
        """The blocks of documents, which ascend; with each those of the documents that are in it."""
        if not len(documents):
            return
        low, high = int(documents[0]), int(documents[-1])
        dense = len(documents) * _DENSE > high - low
        source = self._all_between(connection, low, high) if dense else self._as_needed(connection, documents)
        start = 0
        for block in source:
            start = max(start, int(np.searchsorted(documents, block.first)))
            end = int(np.searchsorted(documents, self.last(block), side="right"))
            if end > start:
                yield block, documents[start:end].tolist()
                start = end

    def _all_between(self, connection: apsw.Connection, low: int, high: int) -> Iterator[Block]:
        before = self._block_at(connection, low)
        begin = before.id if before else low << _PIECES
        query = f"SELECT id, pieces, layout, frame FROM {self.table} WHERE id BETWEEN ? AND ? ORDER BY id"  # noqa: S608
        with closing(connection.cursor()) as cursor:
            for id_, pieces, layout, frame in cursor.execute(query, (begin, high << _PIECES)):
                if pieces:
                    yield Block(id_, pieces, layout, frame)

    def _as_needed(self, connection: apsw.Connection, documents: Numbers) -> Iterator[Block]:
        read = -1
        for document in documents.tolist():
            if document > read:
                block = self._block_at(connection, document)
                if block is not None:
                    read = self.last(block)
                    if read >= document:
                        yield block

    def _block_at(self, connection: apsw.Connection, document: int) -> Block | None:
        query = f"SELECT id, pieces, layout, frame FROM {self.table} WHERE id <= ? ORDER BY id DESC LIMIT 1"  # noqa: S608
        rows = fetched(connection, query, (document << _PIECES,))
        return Block(*rows[0]) if rows and rows[0][1] else None

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
        start = 0
        for distance, *ends in self.layout(block).tolist():
            sections = []
            for end in ends:
                sections.append(data[start:end])
                start = end
            yield Sections(block.first + distance, tuple(sections))

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
        query = f"SELECT id, pieces, octets, layout, frame FROM {self.table} WHERE id >= ? ORDER BY id LIMIT ?"  # noqa: S608
        rows = fetched(connection, query, (start, _PACKED))
        group: list[Block] = []
        size = 0
        for id_, pieces, octets, layout, frame in rows:
            if pieces != 1 or size + octets > BLOCK:
                self._join(connection, group)
                group, size = [], 0
            if pieces == 1:
                group.append(Block(id_, pieces, layout, frame))
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
