"""SEARCH through every message of a mailbox, a page at a time; other requests are served between pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import Compiled, compile_key
from services.mailstore.search.texts import TextReader
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.scans import newer_scan, scan_of
from shared.turns import Turns

_ROW = "uid, system, keywords, modseq, size, internal_date, zone, content, thread"
_PAGE = 500
"""Rows of a page when the rows alone decide."""
_PAGE_WITH_PREFIX = 100
"""Rows of a page with prefixes, each of which may have some ten kilobytes."""
_KEYS_AT_A_TIME = 2000
_COMPILING = 17
"""The cost of compiling a key, in keys compared."""
_ALL_UIDS = 1, 1 << 40


class Searcher:
    """Searches the mailboxes of one store. `texts` is the largest number of distinct texts in a search."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns, texts: int) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns
        self._texts = texts

    async def search(self, mailbox: str, key: SearchKey, now: int) -> AsyncIterator[tuple[list[int], int]]:
        """Search page by page; yields the matching UIDs, ascending, and the highest MODSEQ among them.

        Raises MailboxRefused LIMIT.
        """
        compiled = compile_key(key, now)
        await self._turns.spend(keys=_COMPILING * compiled.keys)
        if len(compiled.questions) > self._texts:
            raise MailboxRefused("LIMIT", f"a search compares at most {self._texts} different texts")
        first, last = _bounds(key)
        after, size = first - 1, _PAGE_WITH_PREFIX if compiled.questions else _PAGE
        while True:
            rows = await self._store.read(_page(mailbox, after, last, size, bool(compiled.questions)))
            await self._turns.spend(rows=len(rows))
            matching = await self._matching(compiled, rows)
            if matching:
                yield [row.uid for row in matching], max(row.modseq for row in matching)
            if len(rows) < size:
                return
            after = rows[-1].uid

    async def _matching(self, compiled: Compiled, rows: Sequence[EntryRow]) -> list[EntryRow]:
        if compiled.questions:
            return await self._matching_texts(compiled, rows)
        matching: list[EntryRow] = []
        size = max(1, _KEYS_AT_A_TIME // compiled.keys)
        for start in range(0, len(rows), size):
            piece = rows[start : start + size]
            matching += [row for row in piece if compiled.test(Candidate(row, None))]
            await self._turns.spend(keys=len(piece) * compiled.keys)
        return matching

    async def _matching_texts(self, compiled: Compiled, rows: Sequence[EntryRow]) -> list[EntryRow]:
        """Search one message after the other, and read the messages whose rows do not decide."""
        reader, turns = TextReader(compiled, self._turns), self._turns
        matching: list[EntryRow] = []
        for row in rows:
            turns.count(keys=compiled.keys)
            verdict = compiled.test(Candidate(row, None))
            if verdict is None:
                turns.count(files=1)
                verdict = await self._matches(reader, row)
            if verdict:
                matching.append(row)
            if turns.is_spent:
                await turns.spend()
        return matching

    async def _matches(self, reader: TextReader, row: EntryRow) -> bool:
        try:
            blob = await self._blobs.read(BlobId(row.blob))
            scan = await (scan_of if reader.needs_scan else newer_scan)(self._blobs, blob)
            return await reader.decide(Candidate(row, blob, scan))
        except BlobError:
            # The blob is missing or damaged, as `verify` will report; the rest of the message is searched.
            return await reader.decide(Candidate(row, None))


def _bounds(key: SearchKey) -> tuple[int, int]:
    """The range of UIDs that can match, so that a search in a few messages does not read the whole mailbox."""
    match key.WhichOneof("key"):
        case _ if key.negated:
            return _ALL_UIDS
        case "uids":
            return (key.uids.bounds[0], key.uids.bounds[-1]) if key.uids.bounds else (1, 0)
        case "all_of" if key.all_of.keys:
            bounds = [_bounds(inner) for inner in key.all_of.keys]
            return max(first for first, _ in bounds), min(last for _, last in bounds)
        case _:
            return _ALL_UIDS


def _page(mailbox: str, after: int, last: int, size: int, with_bytes: bool) -> Callable[[Reader], list[EntryRow]]:
    columns = f"{_ROW}, blob, prefix" if with_bytes else _ROW
    sql = f"SELECT {columns} FROM entry WHERE mailbox = ? AND uid > ? AND uid <= ? ORDER BY uid LIMIT {size}"  # noqa: S608
    return lambda reader: [EntryRow(*row) for row in reader.all(sql, (mailbox, after, last))]
