"""Searches a mailbox by sets of UIDs, a stretch of it at a time; other requests are served between stretches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from services.mailstore.projections import changes, current
from services.mailstore.search.plan import Plan, matching
from services.mailstore.search.row_condition import RowCondition
from services.mailstore.search.rows import CHANGING
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, common, count, ranges
from shared.turns import Turns

_SPAN = 2000
"""UIDs of a stretch in which every message is looked at."""
_SINGLE = 400
"""UIDs of a stretch of single messages."""
_SPARSE = 8
"""A stretch of single messages is looked at message by message when it would span so many times more UIDs."""


class Stretch(NamedTuple):
    """A part of a mailbox, as a condition on the column `uid`."""

    uids: Ranges
    text: str
    parameters: tuple[int, ...]

    @property
    def is_span(self) -> bool:
        """Whether it has all UIDs between two."""
        return len(self.uids) == 1


class MatchedStretch(NamedTuple):
    """The matching messages of a stretch."""

    uids: Ranges
    modseq: int
    """The highest MODSEQ among them."""


async def matching_stretches(
    store: EventStore, turns: Turns, mailbox: str, plan: Plan, uids: Ranges
) -> AsyncIterator[MatchedStretch]:
    """The messages among `uids` for which the plan holds, ascending."""
    for stretch in stretches(uids):
        matched = await store.read(lambda reader, stretch=stretch: _matched(reader, mailbox, plan, stretch))  # type: ignore[misc]
        # A row that SQL examines costs little.
        await turns.spend(rows=count(stretch.uids) // 4 + 2, keys=8 + len(matched.uids))
        if matched.uids:
            yield matched


def stretches(uids: Ranges) -> Iterator[Stretch]:
    """Cut UIDs into stretches: spans where they are dense, single UIDs where they are rare."""
    held: list[int] = []
    for first, last in uids:
        if last - first < _SPARSE:
            held += range(first, last + 1)
            if len(held) >= _SINGLE:
                yield from _cut(held)
                held = []
            continue
        yield from _cut(held)
        held = []
        for start in range(first, last + 1, _SPAN):
            yield _span(start, min(start + _SPAN - 1, last))
    yield from _cut(held)


def _cut(uids: list[int]) -> Iterator[Stretch]:
    """The stretch of single UIDs."""
    if not uids:
        return
    if uids[-1] - uids[0] + 1 == len(uids):
        yield _span(uids[0], uids[-1])
    else:
        yield Stretch(ranges(uids), f"uid IN ({', '.join('?' * len(uids))})", tuple(uids))


def _span(first: int, last: int) -> Stretch:
    return Stretch(((first, last),), "uid BETWEEN ? AND ?", (first, last))


def _matched(reader: Reader, mailbox: str, plan: Plan, stretch: Stretch) -> MatchedStretch:
    def rows_that(condition: RowCondition) -> Ranges:
        rows = "entry" if CHANGING.isdisjoint(condition.columns) else current.source(reader, mailbox)
        return _uids(reader, mailbox, stretch, rows, f" AND {condition.text}", condition.parameters)

    uids = matching(plan, _uids(reader, mailbox, stretch, "entry", "", ()), rows_that)
    return MatchedStretch(uids, _highest_modseq(reader, mailbox, stretch, uids) if uids else 0)


def _uids(
    reader: Reader, mailbox: str, stretch: Stretch, rows: str, condition: str, parameters: tuple[int | str, ...]
) -> Ranges:
    """The UIDs of a stretch that satisfy a condition; a run of them is found without reading each."""
    where = f"FROM {rows} WHERE mailbox = ? AND {stretch.text}{condition}"
    asked = (mailbox, *stretch.parameters, *parameters)
    if stretch.is_span:
        row = reader.first_row(f"SELECT min(uid), max(uid), count(*) {where}", asked)
        low, high, number = row or (None, None, 0)
        if not number:
            return ()
        if high - low + 1 == number:
            return ((low, high),)
    return ranges(uid for (uid,) in reader.all(f"SELECT uid {where} ORDER BY uid", asked))


def _highest_modseq(reader: Reader, mailbox: str, stretch: Stretch, uids: Ranges) -> int:
    """The highest MODSEQ: of messages that did not change it ascends with UIDs, and every change is newer."""
    if not stretch.is_span:
        sql = f"SELECT uid, modseq FROM {current.source(reader, mailbox)} WHERE mailbox = ? AND {stretch.text}"  # noqa: S608
        rows: dict[int, int] = dict(reader.all(sql, (mailbox, *stretch.parameters)))
        return max(rows.get(uid, 0) for first, last in common(uids, stretch.uids) for uid in range(first, last + 1))
    return highest_modseq(reader, mailbox, uids)


def highest_modseq(reader: Reader, mailbox: str, uids: Ranges) -> int:
    """The highest MODSEQ among some neighbours, each of which is there."""
    row = reader.first_row("SELECT modseq FROM entry WHERE mailbox = ? AND uid = ?", (mailbox, uids[-1][1]))
    newer = current.within(changes.overlapping(reader, mailbox, uids[0][0], uids[-1][1]), uids, None)
    return max([row[0] if row else 0, *(run.modseq for run in newer)])
