"""Reads messages with the flags and the MODSEQ that they have now: those of `changed` before those of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import starmap
from typing import NamedTuple

from services.mailstore.domain.flags import Flags
from services.mailstore.projections import changes
from services.mailstore.projections.changes import ChangedRange
from services.mailstore.projections.conditions import Condition
from shared.eventstore.connection import Reader, Row
from shared.protocol.imap.ranges import Range, Ranges, count, joined, ranges, without

_SAME = (
    "mailbox",
    "uid",
    "entry",
    "blob",
    "size",
    "internal_date",
    "zone",
    "saved",
    "content",
    "thread",
    "prefix",
    "queue_id",
)
CURRENT = (
    f"(SELECT {', '.join(f'came.{name} AS {name}' for name in _SAME)},"  # noqa: S608
    " coalesce(now.system, came.system) AS system, coalesce(now.keywords, came.keywords) AS keywords,"
    " coalesce(now.modseq, came.modseq) AS modseq FROM entry AS came LEFT JOIN changed AS now"
    " ON now.mailbox = came.mailbox AND now.last >= came.uid AND now.first = (SELECT max(first) FROM changed AS before"
    " WHERE before.mailbox = came.mailbox AND before.first <= came.uid)) AS entry"
)
"""In place of the table `entry` in a statement that reads flags or the MODSEQ."""
_ANY = "SELECT 1 FROM changed WHERE mailbox = ? LIMIT 1"
_FLAGS = "SELECT uid, system, keywords, modseq FROM {source} WHERE mailbox = ? AND {condition} ORDER BY uid"
_FIRST = f"{_FLAGS.format(source='entry', condition='uid BETWEEN ? AND ?')} LIMIT 1"
_OTHER = (
    "SELECT 1 FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? AND NOT (system = ? AND keywords = ? AND {modseq})"
    " LIMIT 1"
)
_WHOLE = (
    "SELECT messages, (SELECT min(uid) FROM entry WHERE entry.mailbox = mailbox.id),"
    " (SELECT max(uid) FROM entry WHERE entry.mailbox = mailbox.id) FROM mailbox WHERE id = ?"
)
"""Of a mailbox without gaps three look-ups tell all UIDs."""
_MANY = 500
"""From this number of UIDs on it is asked first whether they are the whole mailbox."""
_EXTENT = "SELECT min(uid), max(uid), count(*) FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_END = "SELECT max(uid), count(*), max(modseq) FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"
_UIDS = "SELECT uid FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid"
_STRETCHES = 8
"""Up to this number, stretches without a change are read one by one; otherwise all messages are read row by row."""


class CurrentRun(NamedTuple):
    """Messages with consecutive UIDs and equal flags."""

    first: int
    last: int
    system: int
    keywords: str
    mark: int
    """What of the MODSEQ is equal: it itself, or whether it is above a version."""
    modseq: int
    """The highest one."""

    @property
    def flags(self) -> Flags:
        """The flags of each."""
        return Flags(self.system, self.keywords)


def source(reader: Reader, mailbox: str) -> str:
    """What a statement selects from that reads flags in a mailbox: `entry` itself where none were changed."""
    return CURRENT if reader.first_row(_ANY, (mailbox,)) else "entry"


class FlagColumns(NamedTuple):
    """Where rows have what a change changes. UIDs are in front."""

    system: int = 1
    keywords: int = 2
    modseq: int = 3


def page_now(reader: Reader, mailbox: str, rows: list[Row], places: FlagColumns = FlagColumns()) -> list[Row]:  # noqa: B008
    """Rows of neighbours in `entry`, ascending, with what their messages have now.

    For pages this is better than the join: PostgreSQL may join all rows of a mailbox before it takes those of the page.
    """
    changed = changes.rows_between(reader, mailbox, rows[0][0], rows[-1][0]) if rows else []
    if not changed:
        return rows
    result: list[Row] = []
    spans = iter(changed)
    span = next(spans)
    for row in rows:
        while span[1] < row[0] and (following := next(spans, None)) is not None:
            span = following
        if not span[0] <= row[0] <= span[1]:
            result.append(row)
            continue
        now = list(row)
        now[places.system], now[places.keywords], now[places.modseq] = span[2:]
        result.append(tuple(now))
    return result


def runs_of(reader: Reader, mailbox: str, condition: Condition, since: int | None) -> list[CurrentRun]:
    """The messages for a condition as runs, from their rows.

    Without `since` the messages of a run have the same MODSEQ; else all or none of them are above this version.
    """
    text, parameters = condition
    sql = _FLAGS.format(source=source(reader, mailbox), condition=text)
    return _from_rows(reader.all(sql, (mailbox, *parameters)), since)


def runs_between(reader: Reader, mailbox: str, first: int, last: int, since: int | None) -> list[CurrentRun]:
    """Like `runs_of` for a range of UIDs, with few rows read where many messages are alike."""
    changed = changes.rows_between(reader, mailbox, first, last)
    if not changed:
        return _unchanged(reader, mailbox, first, last, since)
    there = present(reader, mailbox, first, last)
    covered = joined((row[0], row[1]) for row in changed)
    if len(there) == 1 and len(covered) == 1 and covered[0][0] <= there[0][0] and covered[0][1] >= there[0][1]:
        return _from_ranges(changed, there[0], since)
    stretches = without(there, covered)
    if len(stretches) > _STRETCHES:
        return runs_of(reader, mailbox, ("uid BETWEEN ? AND ?", (first, last)), since)
    runs = list(within(starmap(ChangedRange, changed), there, since))
    for begin, end in stretches:
        runs += _unchanged(reader, mailbox, begin, end, since)
    return _joined(sorted(runs))


def present(reader: Reader, mailbox: str, first: int, last: int) -> Ranges:
    """The UIDs of the messages in a range; without gaps the index alone is counted."""
    if last - first >= _MANY:
        messages, lowest, highest = reader.first_row(_WHOLE, (mailbox,)) or (0, None, None)
        if lowest is not None and first <= lowest and highest <= last and highest - lowest + 1 == messages:
            return ((lowest, highest),)
    lowest, highest, messages = reader.first_row(_EXTENT, (mailbox, first, last)) or (None, None, 0)
    if lowest is None:
        return ()
    if highest - lowest + 1 == messages:
        return ((lowest, highest),)
    return ranges(uid for (uid,) in reader.all(_UIDS, (mailbox, first, last)))


def within(changed: Iterable[ChangedRange], there: Ranges, since: int | None) -> Iterator[CurrentRun]:
    """The messages that are there, with the flags of the ranges; one pass over both."""
    at = 0
    for span in changed:
        while at < len(there) and there[at][0] <= span.last:
            first, last = there[at]
            if last >= span.first:
                bounds = max(first, span.first), min(last, span.last)
                yield CurrentRun(*bounds, span.system, span.keywords, _mark(span.modseq, since), span.modseq)
            if last > span.last:
                break
            at += 1


def _unchanged(reader: Reader, mailbox: str, first: int, last: int, since: int | None) -> list[CurrentRun]:
    """The messages of a range in which nothing was changed: one run when all are alike, as in most mailboxes.

    Rows would cost five times as much, and window functions, which find the runs of all messages, twenty times.
    """
    row = reader.first_row(_FIRST, (mailbox, first, last))
    if row is None:
        return []
    uid, system, keywords, modseq = row
    test, values = ("modseq = ?", (modseq,)) if since is None else _same_side(modseq, since)
    if not reader.first_row(_OTHER.format(modseq=test), (mailbox, uid, last, system, keywords, *values)):
        end, messages, highest = reader.first_row(_END, (mailbox, uid, last)) or (uid, 1, modseq)
        if end - uid + 1 == messages:
            return [CurrentRun(uid, end, system, keywords, _mark(modseq, since), highest)]
    sql = _FLAGS.format(source="entry", condition="uid BETWEEN ? AND ?")
    return _from_rows(reader.all(sql, (mailbox, first, last)), since)


def _same_side(modseq: int, since: int) -> tuple[str, tuple[int, ...]]:
    return ("modseq > ?" if modseq > since else "modseq <= ?"), (since,)


def _mark(modseq: int, since: int | None) -> int:
    return modseq if since is None else int(modseq > since)


def _from_rows(rows: Iterable[Row], since: int | None) -> list[CurrentRun]:
    """Rows of ascending messages, neighbours that are alike as one run."""
    runs: list[CurrentRun] = []
    first = last = highest = 0
    state: tuple[int, str, int] | None = None
    for uid, system, keywords, modseq in rows:
        its = system, keywords, modseq if since is None else int(modseq > since)
        if its != state or uid != last + 1:
            if state is not None:
                runs.append(CurrentRun(first, last, *state, highest))
            first, state, highest = uid, its, 0
        last, highest = uid, max(highest, modseq)
    return [*runs, CurrentRun(first, last, *state, highest)] if state is not None else runs


def _from_ranges(rows: Iterable[Row], bounds: Range, since: int | None) -> list[CurrentRun]:
    """Ranges that leave no message out, neighbours that are alike as one run."""
    runs: list[CurrentRun] = []
    first, highest, state = bounds[0], 0, None
    for begin, _, system, keywords, modseq in rows:
        its = system, keywords, modseq if since is None else int(modseq > since)
        if its != state:
            if state is not None:
                runs.append(CurrentRun(first, begin - 1, *state, highest))
                first = begin
            state, highest = its, 0
        if modseq > highest:
            highest = modseq
    return [*runs, CurrentRun(first, bounds[1], *state, highest)] if state is not None else runs


def _joined(runs: Iterable[CurrentRun]) -> list[CurrentRun]:
    """Ascending runs, neighbours that are alike as one."""
    result: list[CurrentRun] = []
    for run in runs:
        if result and (held := result[-1])[1] + 1 == run.first and held[2:5] == run[2:5]:
            result[-1] = CurrentRun(held.first, run.last, *run[2:5], max(held.modseq, run.modseq))
        else:
            result.append(run)
    return result


def size_of(runs: Iterable[CurrentRun]) -> int:
    """The number of messages."""
    return count((run.first, run.last) for run in runs)
