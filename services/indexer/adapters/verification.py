"""Whether documents contain a text: it is compared with the stored texts, whatever an index table said before."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor, Future
from itertools import islice
from typing import NamedTuple, Protocol

import apsw
import zstandard

from services.indexer.adapters.awaited_answer import AwaitedAnswer
from services.indexer.adapters.header_fields import field_contains
from services.indexer.adapters.text_blocks import Block, TextBlocks
from services.indexer.domain.places import NONE, Numbers, as_numbers

_BLOCKS = 48
"""Blocks that a thread looks through at a time."""
_AHEAD = 4
"""Groups of blocks that are read before the first was looked through."""


class Matcher(Protocol):
    """Compares a needle with the sections of a document, which begin and end at octets of a block."""

    @property
    def needle(self) -> bytes: ...

    def holds(self, data: bytes, row: Sequence[int]) -> bool:
        """Whether the document of a row of the layout matches."""


class InSections(NamedTuple):
    """A section contains the needle."""

    needle: bytes
    sections: int
    """Only the first section is looked at, or the first two."""

    def holds(self, data: bytes, row: Sequence[int]) -> bool:
        return data.find(self.needle, row[1], row[2]) >= 0 or (
            self.sections > 1 and data.find(self.needle, row[2], row[3]) >= 0
        )


class InField(NamedTuple):
    """A field of a name contains the needle; the sections are header, headers of parts, and fields stored apart."""

    needle: bytes
    name: bytes

    def holds(self, data: bytes, row: Sequence[int]) -> bool:
        _, start, end, apart, last = row
        if data.find(self.needle, start, end) < 0 and data.find(self.needle, apart, last) < 0:
            return False
        return field_contains(data[start:end], data[apart:last], self.name, self.needle)


def verified(
    connection: apsw.Connection,
    blocks: TextBlocks,
    documents: Numbers,
    matcher: Matcher,
    executor: Executor,
    awaited: AwaitedAnswer,
) -> Numbers:
    """Those of the documents, which ascend, that match. Other threads decompress and compare.

    Raises IndexUnavailable when the answer is not awaited any more.
    """
    hits: list[int] = []
    waiting: deque[Future[list[int]]] = deque()
    source = _small(connection, blocks, documents, matcher, hits, awaited)
    try:
        while group := list(islice(source, _BLOCKS)):
            if len(group) < _BLOCKS and not waiting:
                hits += _search(blocks, group, matcher)
                break
            waiting.append(executor.submit(_search, blocks, group, matcher))
            if len(waiting) > _AHEAD:
                hits += waiting.popleft().result()
            awaited.check()
        for future in waiting:
            hits += future.result()
    finally:
        source.close()
        for future in waiting:
            future.cancel()
    return as_numbers(sorted(hits)) if hits else NONE


def _small(
    connection: apsw.Connection,
    blocks: TextBlocks,
    documents: Numbers,
    matcher: Matcher,
    hits: list[int],
    awaited: AwaitedAnswer,
) -> Generator[tuple[Block, list[int]], None, None]:
    """The blocks in a single piece. Long documents are looked through here, piece by piece."""
    for block, inside in blocks.blocks(connection, documents):
        if block.pieces == 1:
            yield block, inside
            continue
        awaited.check()
        if blocks.width == 1:
            if _streamed(blocks.pieces(connection, block), matcher.needle):
                hits += inside
        else:
            hits += _matching(blocks, block, inside, b"".join(blocks.pieces(connection, block)), matcher)


def _streamed(pieces: Iterator[bytes], needle: bytes) -> bool:
    """Whether the octets contain the needle, which may reach over pieces."""
    tail = b""
    for piece in pieces:
        data = tail + piece
        if needle in data:
            return True
        tail = data[max(0, len(data) - len(needle) + 1) :] if len(needle) > 1 else b""
    return False


def _search(blocks: TextBlocks, group: Sequence[tuple[Block, list[int]]], matcher: Matcher) -> list[int]:
    decompressor = zstandard.ZstdDecompressor()
    hits: list[int] = []
    for block, inside in group:
        data = decompressor.decompress(block.frame)
        if matcher.needle in data:
            hits += _matching(blocks, block, inside, data, matcher)
    return hits


def _matching(blocks: TextBlocks, block: Block, inside: Sequence[int], data: bytes, matcher: Matcher) -> list[int]:
    rows = blocks.layout(block)
    if len(inside) < len(rows):
        distances = {document - block.first for document in inside}
        rows = [row for row in rows if row[0] in distances]
    return [block.first + row[0] for row in rows if matcher.holds(data, row)]
