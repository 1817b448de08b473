"""SEARCH by a condition on rows: the database answers with runs of UIDs, a span of the mailbox at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from services.mailstore.projections import changes, current
from services.mailstore.projections.changes import ChangedRange
from services.mailstore.search.row_condition import RowCondition
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, common, joined, ranges, without
from shared.turns import Turns

_SPAN, _LEAST_SPAN = 2000, 100
"""UIDs that one statement examines."""
_KEYS_A_SPAN = 8000
CHANGING = frozenset({"flags", "modseq"})
"""What a change of flags changes."""
_RANGES = f"SELECT first, last, modseq FROM changed WHERE {changes.OVERLAPPING}"  # noqa: S608
_COVERED = (
    f"SELECT min(first), max(last), CAST(sum(last - first + 1) AS BIGINT) FROM changed WHERE {changes.OVERLAPPING}"  # noqa: S608
)
_OF_ENTRIES = "FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_FIRST = "SELECT min(uid) FROM entry WHERE mailbox = ? AND uid > ? AND uid <= ?"


class MatchedRun(NamedTuple):
    """The matching messages of a span."""

    uids: Ranges
    modseq: int
    """The highest MODSEQ among them."""
    last: int
    """The end of the span; 0 behind the last message."""


async def matching_rows(
    store: EventStore, turns: Turns, mailbox: str, bounds: tuple[int, int], condition: RowCondition
) -> AsyncIterator[MatchedRun]:
    """The matching messages between two UIDs, ascending; other requests are served between spans."""
    first, last = bounds
    after, size = first - 1, max(_LEAST_SPAN, min(_SPAN, _KEYS_A_SPAN // condition.keys))
    while True:
        matched = await store.read(lambda reader, after=after: _span(reader, mailbox, after, last, size, condition))  # type: ignore[misc]
        # A row that SQL examines costs little.
        await turns.spend(rows=size // 4, keys=condition.keys)
        if matched.uids:
            yield matched
        if not matched.last:
            return
        after = matched.last


def _span(reader: Reader, mailbox: str, after: int, last: int, size: int, condition: RowCondition) -> MatchedRun:
    """The matching messages of the span that begins with the first message behind a UID."""
    row = reader.first_row(_FIRST, (mailbox, after, last))
    if row is None or row[0] is None:
        return MatchedRun((), 0, 0)
    first, end = row[0], min(row[0] + size - 1, last)
    if not changes.overlaps(reader, mailbox, first, end):
        return MatchedRun(*_by_rows(reader, mailbox, (first, end), "entry", condition), end)
    if condition.columns <= CHANGING:
        return _by_flags(reader, mailbox, (first, end), condition)
    if not CHANGING.isdisjoint(condition.columns):
        return MatchedRun(*_by_rows(reader, mailbox, (first, end), current.CURRENT, condition), end)
    uids, modseq = _by_rows(reader, mailbox, (first, end), "entry", condition)
    changed = changes.overlapping(reader, mailbox, first, end) if uids else ()
    return MatchedRun(uids, max([modseq, *(run.modseq for run in current.within(changed, uids, None))]), end)


def _by_rows(
    reader: Reader, mailbox: str, bounds: tuple[int, int], rows: str, condition: RowCondition
) -> tuple[Ranges, int]:
    """The matching messages of a span, and their highest MODSEQ in these rows."""
    where = f"FROM {rows} WHERE mailbox = ? AND uid BETWEEN ? AND ? AND {condition.text}"
    asked = (mailbox, *bounds, *condition.parameters)
    counted = reader.first_row(f"SELECT min(uid), max(uid), count(*), coalesce(max(modseq), 0) {where}", asked)
    low, high, matching, modseq = counted or (None, None, 0, 0)
    if not matching:
        return (), 0
    if high - low + 1 == matching:
        return ((low, high),), modseq
    return ranges(uid for (uid,) in reader.all(f"SELECT uid {where} ORDER BY uid", asked)), modseq


def _by_flags(reader: Reader, mailbox: str, bounds: tuple[int, int], condition: RowCondition) -> MatchedRun:
    """The matching messages of a span when flags alone decide: ranges are examined instead of rows."""
    there = current.present(reader, mailbox, *bounds)
    matching = reader.all(f"{_RANGES} AND {condition.text} ORDER BY first", _asked(mailbox, bounds, condition))
    uids = common(there, joined((first, last) for first, last, _ in matching))
    modseq = _highest(there, matching)
    others = _unchanged(reader, mailbox, bounds, there)
    if others:
        sql = f"SELECT uid, modseq {_OF_ENTRIES} AND {condition.text} ORDER BY uid"
        asked = (mailbox, others[0][0], others[-1][1], *condition.parameters)
        rows: dict[int, int] = dict(reader.all(sql, asked))
        among = common(ranges(rows), others)
        if among:  # MODSEQs of messages that were not changed ascend with UIDs
            uids, modseq = joined(sorted([*uids, *among])), max(modseq, rows[among[-1][1]])
    return MatchedRun(uids, modseq, bounds[1])


def _asked(mailbox: str, bounds: tuple[int, int], condition: RowCondition) -> tuple[int | str, ...]:
    return (mailbox, mailbox, bounds[0], bounds[1], *condition.parameters)


def _highest(there: Ranges, matching: Sequence[Row]) -> int:
    """The highest MODSEQ of ranges that have a message."""
    if len(there) == 1:
        first, last = there[0]
        return max((modseq for begin, end, modseq in matching if begin <= last and end >= first), default=0)
    spans = [ChangedRange(first, last, 0, "", modseq) for first, last, modseq in matching]
    return max((run.modseq for run in current.within(spans, there, None)), default=0)


def _unchanged(reader: Reader, mailbox: str, bounds: tuple[int, int], there: Ranges) -> Ranges:
    """The messages whose flags are those with which they came."""
    lowest, highest, covered = reader.first_row(_COVERED, (mailbox, mailbox, *bounds)) or (None, None, 0)
    if lowest is not None and highest - lowest + 1 == covered and lowest <= bounds[0] and highest >= bounds[1]:
        return ()
    spans = reader.all(f"{_RANGES} ORDER BY first", (mailbox, mailbox, *bounds))
    return without(there, joined((first, last) for first, last, _ in spans))
