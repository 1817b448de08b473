"""SEARCH for keys that the pages of the listing answer: pages decide for their messages, and few rows are read.

Which messages live is known from the ends of a mailbox and its size, or from an index. A page is trusted when its last
message is still the same (`PageExtent`). Messages without a trusted page are read one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from functools import partial
from itertools import chain, compress
from operator import itemgetter
from typing import NamedTuple

from services.mailstore.listing.columns import PageExtent
from services.mailstore.projections import current
from services.mailstore.projections.conditions import conditions
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import Compiled
from services.mailstore.search.held import AnsweringPage, HeldAnswers
from services.mailstore.search.stretches import highest_modseq
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, common, count, joined, pages, ranges, without
from shared.turns import Turns

ReadTexts = Callable[[list[EntryRow]], Awaitable[list[EntryRow]]]
"""Reads messages, and returns those that match."""
_SPAN = 10_000
"""UIDs among which the living ones are looked up at once."""
_PAGES = 64
"""Pages whose last messages are looked up at once."""
_READ = 1000
"""Messages without a page that are looked up at once."""
_MOST_VERDICTS = 1000
_PAGE_KEYS = 40
"""The cost of a page, in keys compared."""
_FIRST = "SELECT min(uid) FROM entry WHERE mailbox = ? AND uid > ? AND uid <= ?"
_NO_ROW = EntryRow(0, 0, "", 0, 0, 0, 0, 0, "", "")
"""A message about whose row nothing more is asked."""
_LAST_MESSAGES = "SELECT uid, blob, saved FROM entry WHERE mailbox = ? AND "
_UNKNOWN = "SELECT uid, modseq, blob FROM entry WHERE mailbox = ? AND "
_last = itemgetter(1)


class _JudgedPage(NamedTuple):
    """What a page says of the living messages in its charge."""

    page: AnsweringPage
    living: Ranges
    matching: Ranges
    unknown: Ranges
    """Those that it does not decide."""


class PageVerdicts:
    """Decides by the answers of pages, once for each different set of them."""

    def __init__(self, compiled: Compiled, held: HeldAnswers) -> None:
        self.keys = compiled.keys
        self._compiled = compiled
        self._held = held
        self._verdicts: dict[Hashable, bool | None] = {}

    def judged(self, living: Ranges, first: int) -> _JudgedPage:
        """What the page in charge of the UID `first`, or else the next page, says of these messages."""
        page = self._held.page(first)
        mine = _between(living, first, page.last)
        runs = page.extent.runs
        if not page.rows:
            return _JudgedPage(page, mine, (), mine)
        verdicts = self._of_rows(page.rows)
        matching = _where(runs, verdicts)
        undecided = _where(runs, [verdict is None for verdict in verdicts]) if None in verdicts else ()
        if mine == runs:
            return _JudgedPage(page, mine, matching, undecided)
        unknown = joined(sorted([*common(mine, undecided), *without(mine, runs)]))
        return _JudgedPage(page, mine, common(mine, matching), unknown)

    def take_octets(self) -> int:
        """The octets of pages that were read and compared since the last call."""
        return self._held.take_octets()

    def _of_rows(self, rows: Sequence[Hashable]) -> list[bool | None]:
        verdicts = self._verdicts
        if len(verdicts) > _MOST_VERDICTS:
            verdicts.clear()
        for row in set(rows).difference(verdicts):
            verdicts[row] = self._verdict(row)
        return [verdicts[row] for row in rows]

    def _verdict(self, row: Hashable) -> bool | None:
        candidate = Candidate(_NO_ROW, None)
        candidate.answers.update(self._held.answers(row))
        return self._compiled.test(candidate)


def _where(runs: Ranges, verdicts: Sequence[bool | None]) -> Ranges:
    """The UIDs of runs whose verdict is True."""
    holding = verdicts.count(True)
    if holding in (0, len(verdicts)):
        return runs if holding else ()
    return ranges(compress(chain.from_iterable(range(first, last + 1) for first, last in runs), verdicts))


def _between(spans: Ranges, first: int, last: int) -> Ranges:
    """The numbers between two, found without a pass over all ranges."""
    begin = bisect_left(spans, first, key=_last)
    end = bisect_left(spans, last, begin, key=_last)
    return common(spans[begin : end + 1], ((first, last),))


async def matching_answers(
    store: EventStore, turns: Turns, mailbox: str, bounds: tuple[int, int], verdicts: PageVerdicts, read: ReadTexts
) -> AsyncIterator[tuple[Ranges, int]]:
    """The matching messages, ascending, and the highest MODSEQ among them; `read` decides where no page does."""
    after, last = bounds[0] - 1, bounds[1]
    while living := await store.read(_living(mailbox, after, last)):
        # Without gaps an index is counted; with gaps every message is looked up in it.
        await turns.spend(rows=count(living) // (128 if len(living) == 1 else 16))
        judged = await _judged(turns, verdicts, living)
        after = min(judged[-1].page.last, living[-1][1])
        same = await store.read(_same(mailbox, judged))
        matching = list(
            chain.from_iterable(judgement.matching for judgement in judged if judgement.page.extent in same)
        )
        unknown = [judgement.unknown if judgement.page.extent in same else judgement.living for judgement in judged]
        for uids in pages(chain.from_iterable(unknown), _READ):
            rows = await store.read(_rows(mailbox, uids))
            await turns.spend(rows=len(rows))
            matching += [(row.uid, row.uid) for row in await read(rows)]
        if matching:
            uids = joined(sorted(matching))
            yield uids, await store.read(partial(highest_modseq, mailbox=mailbox, uids=uids))


async def _judged(turns: Turns, verdicts: PageVerdicts, living: Ranges) -> list[_JudgedPage]:
    """What pages say of these messages, or of the first ones when there are very many pages."""
    judged: list[_JudgedPage] = []
    first, last = living[0][0], living[-1][1]
    while first <= last and len(judged) < _PAGES:
        judged.append(verdicts.judged(living, first))
        first = judged[-1].page.last + 1
        await turns.spend(keys=verdicts.keys + _PAGE_KEYS, octets=verdicts.take_octets())
    return judged


def _living(mailbox: str, after: int, last: int) -> Callable[[Reader], Ranges]:
    """The UIDs of the next messages behind a UID."""

    def ask(reader: Reader) -> Ranges:
        begin = after
        while (row := reader.first_row(_FIRST, (mailbox, begin, last))) is not None and row[0] is not None:
            begin = min(row[0] + _SPAN - 1, last)
            living = current.present(reader, mailbox, row[0], begin)
            if living:  # they may be gone meanwhile
                return living
        return ()

    return ask


def _same(mailbox: str, judged: Sequence[_JudgedPage]) -> Callable[[Reader], set[PageExtent]]:
    """The extents whose last messages are what they were."""
    extents = {extent.runs[-1][1]: extent for extent in (judgement.page.extent for judgement in judged) if extent.runs}

    def ask(reader: Reader) -> set[PageExtent]:
        last = ranges(sorted(extents))
        rows = chain.from_iterable(
            reader.all(_LAST_MESSAGES + text, (mailbox, *parameters)) for text, parameters in conditions(last)
        )
        return {extents[uid] for uid, *its in rows if its == [extents[uid].blob, extents[uid].saved]}

    return ask


def _rows(mailbox: str, uids: Ranges) -> Callable[[Reader], list[EntryRow]]:
    """Messages about whose rows nothing more is asked than the body."""

    def ask(reader: Reader) -> list[EntryRow]:
        rows: list[Row] = []
        for text, parameters in conditions(uids):
            rows += reader.all(f"{_UNKNOWN}{text} ORDER BY uid", (mailbox, *parameters))
        return [_NO_ROW._replace(uid=uid, modseq=modseq, blob=blob) for uid, modseq, blob in rows]

    return ask
