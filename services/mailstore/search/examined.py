"""SEARCH by examining messages: rows first, then what the index and the pages know, and at last the messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import starmap
from typing import NamedTuple

from services.mailstore.projections.current import page_now
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import Compiled
from services.mailstore.search.held import Answers, HeldAnswers
from services.mailstore.search.reading_budget import ReadingBudget
from services.mailstore.search.text_index import IndexedRows
from services.mailstore.search.texts import TextReader
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.scans import newer_scan, scan_of
from shared.turns import Turns

_ROW = "uid, system, keywords, modseq, size, internal_date, zone, saved, content, thread"
_PAGE = 500
"""Rows of a page without prefixes."""
_PAGE_WITH_PREFIX = 100
"""Rows of a page with prefixes, each of which may have some ten kilobytes."""
_KEYS_AT_A_TIME = 2000


class Known(NamedTuple):
    """What is known of messages without reading them: by the listing, and by the index."""

    held: HeldAnswers
    indexed: IndexedRows | None = None
    budget: ReadingBudget | None = None
    """What may be read; None: everything."""

    @property
    def covers(self) -> int:
        """How many questions the index answers for the messages that it covers."""
        return self.indexed.covers if self.indexed is not None else 0


_Matching = Callable[[Compiled, Sequence[EntryRow], str, Known], Awaitable[list[EntryRow]]]


class _Rows(NamedTuple):
    """The columns of rows, and how many of them are read at a time."""

    columns: str
    size: int


class MessageExaminer:
    """Examines the messages of a mailbox; other requests are served between them."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns

    async def search(
        self, mailbox: str, bounds: tuple[int, int], compiled: Compiled, known: Known
    ) -> AsyncIterator[list[EntryRow]]:
        """The matching messages of each page of rows."""
        matching: _Matching
        held = known.held
        if not compiled.questions:
            kind, matching = _Rows(_ROW, _PAGE), self._matching
        elif len(compiled.questions) in (held.covers, known.covers):
            kind, matching = _Rows(f"{_ROW}, blob", _PAGE), self.matching_texts
        else:
            kind, matching = _Rows(f"{_ROW}, blob, prefix", _PAGE_WITH_PREFIX), self.matching_texts
        (first, last), size = bounds, kind.size
        after = first - 1
        while True:
            rows = await self._store.read(_page(mailbox, after, last, kind))
            await self._turns.spend(rows=len(rows))
            yield await matching(compiled, rows, mailbox, known)
            if len(rows) < size:
                return
            after = rows[-1].uid

    async def _matching(
        self, compiled: Compiled, rows: Sequence[EntryRow], _mailbox: str, _known: Known
    ) -> list[EntryRow]:
        """Search by rows alone."""
        matching: list[EntryRow] = []
        size = max(1, _KEYS_AT_A_TIME // compiled.keys)
        for start in range(0, len(rows), size):
            piece = rows[start : start + size]
            matching += [row for row in piece if compiled.test(Candidate(row, None))]
            await self._turns.spend(keys=len(piece) * compiled.keys)
        return matching

    async def matching_texts(
        self, compiled: Compiled, rows: Sequence[EntryRow], mailbox: str, known: Known
    ) -> list[EntryRow]:
        """Search one message after the other, and read the messages whose rows and pages do not decide."""
        reader, turns, held = TextReader(compiled, self._turns), self._turns, known.held
        matching: list[EntryRow] = []
        for row in rows:
            turns.count(keys=compiled.keys)
            candidate = Candidate(row, None)
            if known.indexed is not None:
                candidate.answers.update(known.indexed.of(row.uid))
            verdict = compiled.test(candidate)
            if verdict is None and held.covers:
                candidate.answers.update(held.of(row.uid, row.blob))
                turns.count(keys=compiled.keys, octets=held.take_octets())
                verdict = compiled.test(candidate)
            if verdict is None:
                if known.budget is not None:
                    known.budget.take(row.size)
                turns.count(files=1)
                verdict = await self._matches(reader, mailbox, row, candidate.answers)
            if verdict:
                matching.append(row)
            if turns.is_spent:
                await turns.spend()
        return matching

    async def _matches(self, reader: TextReader, mailbox: str, row: EntryRow, answers: Answers) -> bool:
        if row.prefix is None:
            row = row._replace(prefix=await self._store.read(_prefix(mailbox, row.uid)))
        try:
            blob = await self._blobs.read(BlobId(row.blob))
            scan = await (scan_of if reader.needs_scan else newer_scan)(self._blobs, blob)
            return await reader.decide(_answered(Candidate(row, blob, scan), answers))
        except BlobError:
            # The blob is missing or damaged, as `verify` will report; the rest of the message is searched.
            return await reader.decide(_answered(Candidate(row, None), answers))


def _answered(candidate: Candidate, answers: Answers) -> Candidate:
    candidate.answers.update(answers)
    return candidate


def _page(mailbox: str, after: int, last: int, kind: _Rows) -> Callable[[Reader], list[EntryRow]]:
    def ask(reader: Reader) -> list[EntryRow]:
        rows = f"SELECT {kind.columns} FROM entry"  # noqa: S608
        sql = f"{rows} WHERE mailbox = ? AND uid > ? AND uid <= ? ORDER BY uid LIMIT {kind.size}"
        page = page_now(reader, mailbox, reader.all(sql, (mailbox, after, last)))
        return list(starmap(EntryRow, page))

    return ask


def _prefix(mailbox: str, uid: int) -> Callable[[Reader], bytes]:
    def ask(reader: Reader) -> bytes:
        row = reader.first_row("SELECT prefix FROM entry WHERE mailbox = ? AND uid = ?", (mailbox, uid))
        return bytes(row[0]) if row else b""

    return ask
