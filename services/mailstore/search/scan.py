"""SEARCH through every message of a mailbox, a page at a time; other requests are served between pages.

Questions about common header fields are answered by the listing where it has the message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.listing.pages import Listing
from services.mailstore.search.answered import PageVerdicts, matching_answers
from services.mailstore.search.compile import Compiled, FuzzyQuestion, IndexedQuestion, compile_key
from services.mailstore.search.examined import Known, MessageExaminer
from services.mailstore.search.held import HeldAnswers
from services.mailstore.search.plan import NotBySets, Plan, plan_of, possible
from services.mailstore.search.query_questions import AttachmentTextQuestion, PhraseQuestion
from services.mailstore.search.reading_budget import ReadingBudget
from services.mailstore.search.row_condition import row_condition
from services.mailstore.search.rows import matching_rows
from services.mailstore.search.stretches import matching_stretches
from services.mailstore.search.text_index import IndexAnswer, IndexedRows, TextIndex
from shared.blobs.port import Blobs
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, common, overlapping, ranges, without
from shared.protocol.search.fuzzy import MOST_PIECES, fuzzy_pieces, is_too_long
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.turns import Turns

_COMPILING = 8
"""The cost of compiling a key, in keys compared: twice what is measured. All keys of a search are compiled in one
piece, which other work of the turn may precede; the most keys that a search may have (2,000) count as 8 ms."""
_FUZZY_WORDS = MOST_PIECES
_ALL_UIDS = 1, 1 << 40
_WITH_ATTACHMENTS = FuzzyQuestion, PhraseQuestion, AttachmentTextQuestion
_OF_MAILBOX = "SELECT account, messages FROM mailbox WHERE id = ?"
_FEW, _MANY = 40, 500
"""Messages of a mailbox below which the index is not asked: in general, and when the listing can answer."""


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
        self._examiner = MessageExaminer(store, blobs, turns)
        self._turns = turns
        self._texts = texts
        self._listing = listing
        self._index = index

    async def search(self, mailbox: str, key: SearchKey, now: int) -> AsyncIterator[tuple[list[int], int]]:
        """Like `search_runs`, with each of the matching UIDs."""
        async for uids, modseq in self.search_runs(mailbox, key, now):
            yield _singly(uids), modseq

    async def search_runs(
        self, mailbox: str, key: SearchKey, now: int, budget: ReadingBudget | None = None
    ) -> AsyncIterator[tuple[Ranges, int]]:
        """Search page by page; yields the matching UIDs, ascending, and the highest MODSEQ among them.

        Raises MailboxRefused LIMIT, and TooMuchToRead where a budget is given.
        """
        condition = row_condition(key, now)
        if condition is None:
            async for uids, modseq in self._search_texts(mailbox, key, now, budget):
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
        async for uids, modseq in self._search(mailbox, _bounds(key), compiled, Known(held)):
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

    async def _search_texts(
        self, mailbox: str, key: SearchKey, now: int, budget: ReadingBudget | None
    ) -> AsyncIterator[tuple[Ranges, int]]:
        """Search for texts: by the index where it covers the mailbox, and by reading elsewhere."""
        compiled = await self._compiled(key, now)
        bounds, held = _bounds(key), HeldAnswers(self._listing, mailbox, compiled.questions)
        answer = await self._ask_index(mailbox, bounds, compiled, held)
        indexed = IndexedRows(answer, compiled.questions) if answer is not None else None
        known, plan = Known(held, indexed, budget), _plan(key, now, answer)
        covered = answer.covered if answer is not None and plan is not None else ()
        limit = possible(plan) if plan is not None else None
        for span in sorted((*covered, *without((bounds,), covered))):
            if plan is not None and _overlaps(covered, span):
                within = (span,) if limit is None else common((span,), overlapping(limit, *span))
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
        questions = [question for question in compiled.questions if isinstance(question, IndexedQuestion)]
        is_fuzzy = any(isinstance(question, _WITH_ATTACHMENTS) for question in questions)  # they find attachments too
        if self._index is None or not questions or (bounds[1] - bounds[0] < _FEW and not is_fuzzy):
            return None
        row = await self._store.read(lambda reader: reader.first_row(_OF_MAILBOX, (mailbox,)))
        least = 1 if is_fuzzy else _MANY if held.covers == len(compiled.questions) else _FEW
        if row is None or row[1] < least:
            return None
        return await self._index.ask(row[0], mailbox, bounds, questions)

    async def _search(
        self, mailbox: str, bounds: tuple[int, int], compiled: Compiled, known: Known
    ) -> AsyncIterator[tuple[Ranges, int]]:
        """The matching messages page by page, and the highest MODSEQ among them."""
        if known.held.covers == len(compiled.questions) > 0 and not compiled.examines_rows:
            verdicts = PageVerdicts(compiled, known.held)
            read = partial(self._examiner.matching_texts, compiled, mailbox=mailbox, known=known)
            async for uids, modseq in matching_answers(self._store, self._turns, mailbox, bounds, verdicts, read):
                yield uids, modseq
            return
        async for matching in self._examiner.search(mailbox, bounds, compiled, known):
            if matching:
                yield ranges(row.uid for row in matching), max(row.modseq for row in matching)


def _fuzzy_words(compiled: Compiled) -> int:
    """The words of all FUZZY keys together; too many if a single one has too many pieces."""
    texts = [question.text for question in compiled.questions if isinstance(question, FuzzyQuestion)]
    if any(map(is_too_long, texts)):
        return _FUZZY_WORDS + 1
    return sum(len(piece.words.tokens) for text in texts for piece in fuzzy_pieces(text))


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
    return bool(overlapping(spans, *span))


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
