"""SEARCH through every message of a mailbox, a page at a time; other requests are served between pages.

Questions about common header fields are answered by the listing where it has the message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from itertools import starmap
from typing import NamedTuple

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.listing.pages import Listing
from services.mailstore.projections.current import page_now
from services.mailstore.search.answered import PageVerdicts, matching_answers
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import Compiled, DateQuestion, FuzzyQuestion, compile_key
from services.mailstore.search.held import Answers, HeldAnswers
from services.mailstore.search.plan import NotBySets, Plan, plan_of, possible
from services.mailstore.search.row_condition import row_condition
from services.mailstore.search.rows import matching_rows
from services.mailstore.search.stretches import matching_stretches
from services.mailstore.search.text_index import IndexAnswer, IndexedRows, TextIndex
from services.mailstore.search.texts import TextReader
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, common, ranges, without
from shared.protocol.search.fuzzy import fuzzy_pieces
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.scans import newer_scan, scan_of
from shared.turns import Turns

_ROW = "uid, system, keywords, modseq, size, internal_date, zone, saved, content, thread"
_PAGE = 500
"""Rows of a page without prefixes."""
_PAGE_WITH_PREFIX = 100
"""Rows of a page with prefixes, each of which may have some ten kilobytes."""
_KEYS_AT_A_TIME = 2000
_COMPILING = 8
"""The cost of compiling a key, in keys compared: twice what is measured. All keys of a search are compiled in one
piece, which other work of the turn may precede; the most keys that a search may have (2,000) count as 8 ms."""
_FUZZY_WORDS = 400
_ALL_UIDS = 1, 1 << 40
_OF_MAILBOX = "SELECT account, messages FROM mailbox WHERE id = ?"
_FEW, _MANY = 40, 5000
"""Messages of a mailbox below which the index is not asked: in general, and when the listing can answer."""


class _Known(NamedTuple):
    """What is known of messages without reading them: by the listing, and by the index."""

    held: HeldAnswers
    indexed: IndexedRows | None = None

    @property
    def covers(self) -> int:
        """How many questions the index answers for the messages that it covers."""
        return self.indexed.covers if self.indexed is not None else 0


_Matching = Callable[[Compiled, Sequence[EntryRow], str, _Known], Awaitable[list[EntryRow]]]


class _Rows(NamedTuple):
    """The columns of rows, and how many of them are read at a time."""

    columns: str
    size: int


class Searcher:
    """Searches the mailboxes of one store. `texts` is the largest number of distinct texts in a search."""

    def __init__(
        self,
        store: EventStore,
        blobs: Blobs,
        turns: Turns,
        texts: int,
        listing: Listing,
        index: TextIndex | None = None,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns
        self._texts = texts
        self._listing = listing
        self._index = index

    async def search(self, mailbox: str, key: SearchKey, now: int) -> AsyncIterator[tuple[list[int], int]]:
        """Like `search_runs`, with each of the matching UIDs."""
        async for uids, modseq in self.search_runs(mailbox, key, now):
            yield _singly(uids), modseq

    async def search_runs(self, mailbox: str, key: SearchKey, now: int) -> AsyncIterator[tuple[Ranges, int]]:
        """Search page by page; yields the matching UIDs, ascending, and the highest MODSEQ among them.

        Raises MailboxRefused LIMIT.
        """
        condition = row_condition(key, now)
        if condition is None:
            async for uids, modseq in self._search_texts(mailbox, key, now):
                yield uids, modseq
            return
        async for matched in matching_rows(self._store, self._turns, mailbox, _bounds(key), condition):
            yield matched.uids, matched.modseq

    async def search_messages(self, mailbox: str, key: SearchKey, now: int) -> AsyncIterator[tuple[list[int], int]]:
        """Search by examining each row, without the index.

        Raises MailboxRefused LIMIT.
        """
        compiled = await self._compiled(key, now)
        held = HeldAnswers(self._listing, mailbox, compiled.questions)
        async for uids, modseq in self._search(mailbox, _bounds(key), compiled, _Known(held)):
            yield _singly(uids), modseq
        held.done()

    async def _compiled(self, key: SearchKey, now: int) -> Compiled:
        compiled = compile_key(key, now)
        await self._turns.spend(keys=_COMPILING * compiled.keys)
        if len(compiled.questions) > self._texts:
            raise MailboxRefused("LIMIT", f"a search compares at most {self._texts} different texts")
        if _fuzzy_words(compiled) > _FUZZY_WORDS:
            raise MailboxRefused("LIMIT", f"the FUZZY keys of a search have at most {_FUZZY_WORDS} words together")
        return compiled

    async def _search_texts(self, mailbox: str, key: SearchKey, now: int) -> AsyncIterator[tuple[Ranges, int]]:
        """Search for texts: by the index where it covers the mailbox, and by reading elsewhere."""
        compiled = await self._compiled(key, now)
        bounds, held = _bounds(key), HeldAnswers(self._listing, mailbox, compiled.questions)
        answer = await self._ask_index(mailbox, bounds, compiled, held)
        indexed = IndexedRows(answer, compiled.questions) if answer is not None else None
        known, plan = _Known(held, indexed), _plan(key, now, answer)
        covered = answer.covered if answer is not None and plan is not None else ()
        for span in sorted((*covered, *without((bounds,), covered))):
            if plan is not None and _overlaps(covered, span):
                limit = possible(plan)
                within = (span,) if limit is None else common((span,), limit)
                async for matched in matching_stretches(self._store, self._turns, mailbox, plan, within):
                    yield matched
                continue
            async for uids, modseq in self._search(mailbox, span, compiled, known):
                yield uids, modseq
        held.done()

    async def _ask_index(
        self, mailbox: str, bounds: tuple[int, int], compiled: Compiled, held: HeldAnswers
    ) -> IndexAnswer | None:
        """The answer of the index, where asking costs less than reading."""
        questions = [question for question in compiled.questions if not isinstance(question, DateQuestion)]
        is_fuzzy = any(isinstance(question, FuzzyQuestion) for question in questions)  # they find attachments too
        if self._index is None or not questions or (bounds[1] - bounds[0] < _FEW and not is_fuzzy):
            return None
        row = await self._store.read(lambda reader: reader.first_row(_OF_MAILBOX, (mailbox,)))
        least = 1 if is_fuzzy else _MANY if held.covers == len(compiled.questions) else _FEW
        if row is None or row[1] < least:
            return None
        return await self._index.ask(row[0], mailbox, bounds, questions)

    async def _search(
        self, mailbox: str, bounds: tuple[int, int], compiled: Compiled, known: _Known
    ) -> AsyncIterator[tuple[Ranges, int]]:
        """The matching messages page by page, and the highest MODSEQ among them."""
        if known.held.covers == len(compiled.questions) > 0 and not compiled.examines_rows:
            verdicts = PageVerdicts(compiled, known.held)
            read = partial(self._matching_texts, compiled, mailbox=mailbox, known=known)
            async for uids, modseq in matching_answers(self._store, self._turns, mailbox, bounds, verdicts, read):
                yield uids, modseq
            return
        async for matching in self._search_rows(mailbox, bounds, compiled, known):
            if matching:
                yield ranges(row.uid for row in matching), max(row.modseq for row in matching)

    async def _search_rows(
        self, mailbox: str, bounds: tuple[int, int], compiled: Compiled, known: _Known
    ) -> AsyncIterator[list[EntryRow]]:
        """The matching messages of each page of rows."""
        matching: _Matching
        held = known.held
        if not compiled.questions:
            kind, matching = _Rows(_ROW, _PAGE), self._matching
        elif len(compiled.questions) in (held.covers, known.covers):
            kind, matching = _Rows(f"{_ROW}, blob", _PAGE), self._matching_texts
        else:
            kind, matching = _Rows(f"{_ROW}, blob, prefix", _PAGE_WITH_PREFIX), self._matching_texts
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
        self, compiled: Compiled, rows: Sequence[EntryRow], _mailbox: str, _known: _Known
    ) -> list[EntryRow]:
        """Search by rows alone."""
        matching: list[EntryRow] = []
        size = max(1, _KEYS_AT_A_TIME // compiled.keys)
        for start in range(0, len(rows), size):
            piece = rows[start : start + size]
            matching += [row for row in piece if compiled.test(Candidate(row, None))]
            await self._turns.spend(keys=len(piece) * compiled.keys)
        return matching

    async def _matching_texts(
        self, compiled: Compiled, rows: Sequence[EntryRow], mailbox: str, known: _Known
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


def _fuzzy_words(compiled: Compiled) -> int:
    return sum(
        len(piece.words.tokens)
        for question in compiled.questions
        if isinstance(question, FuzzyQuestion)
        for piece in fuzzy_pieces(question.text)
    )


def _plan(key: SearchKey, now: int, answer: IndexAnswer | None) -> Plan | None:
    """How the answer of the index gives that of the search; None when rows have to be examined."""
    if answer is None:
        return None
    try:
        return plan_of(key, now, answer.hits)
    except NotBySets:
        return None


def _singly(uids: Ranges) -> list[int]:
    return [uid for first, last in uids for uid in range(first, last + 1)]


def _overlaps(spans: Ranges, span: tuple[int, int]) -> bool:
    return bool(common(spans, (span,)))


def _answered(candidate: Candidate, answers: Answers) -> Candidate:
    candidate.answers.update(answers)
    return candidate


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
