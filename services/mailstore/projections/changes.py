"""Keeps the flags that clients have changed: UID ranges, each with the flags and the MODSEQ that its messages have now.

The row of a message keeps the flags with which the message came. A STORE on thousands of messages then writes a row for
each run of messages that are alike, and not a row for each message. The same rows tell which messages changed after a
version, so that this is found without reading a mailbox. No UID is in two ranges.

Messages that came after a version need no range: UIDs ascend with versions, so these messages are the last ones of the
mailbox, and every one of them has a higher MODSEQ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.projections.conditions import RANGE, Condition, conditions
from shared.eventstore.connection import Connection, Reader, Row
from shared.protocol.imap.ranges import Range, Ranges, joined, ranges

_NOTE = (
    "INSERT INTO changed (mailbox, first, last, system, keywords, modseq) VALUES {rows} ON CONFLICT (mailbox, first)"
    " DO UPDATE SET last = excluded.last, system = excluded.system, keywords = excluded.keywords,"
    " modseq = excluded.modseq"
)
_ROWS_A_STATEMENT = (100, 10, 1)
"""The numbers of rows in statements, so that there are few distinct ones."""
OVERLAPPING = (
    "mailbox = ? AND first >= (SELECT coalesce(max(first), 0) FROM changed WHERE mailbox = ? AND first <= ?)"
    " AND first <= ?"
)
"""The condition for ranges that have a UID between two, and perhaps for one before them; the mailbox comes twice."""
_FROM_TO = f"SELECT first, last, system, keywords, modseq FROM changed WHERE {OVERLAPPING} ORDER BY first"  # noqa: S608
_IS_THERE = f"SELECT 1 FROM changed WHERE {OVERLAPPING} AND last >= ? LIMIT 1"  # noqa: S608
_WITHIN = "FROM changed WHERE mailbox = ? AND first BETWEEN ? AND ? AND last <= ?"
_EXACT = (
    "SELECT count(*), CAST(coalesce(sum(last - first + 1), 0) AS BIGINT), min(first), min(modseq), max(modseq)"
    f" {_WITHIN}"
)
_COUNTED = (
    f"SELECT system, keywords, CAST(sum(last - first + 1) AS BIGINT) {_WITHIN} GROUP BY system, keywords"
    " ORDER BY system, keywords"
)
_CHANGE = (
    "UPDATE changed SET system = ?, keywords = ?, modseq = ? WHERE mailbox = ? AND first BETWEEN ? AND ? AND last <= ?"
    " AND system = ? AND keywords = ? AND modseq < ?"
)
"""The MODSEQ grows with every event, so no range is changed twice by one."""
_FEW = 16
_NEAR = 32
"""Ranges with fewer UIDs between them are read by one statement."""
_SINCE = "SELECT first, last FROM changed WHERE mailbox = ? AND modseq > ? AND first < ? LIMIT ?"
_NEWEST = (
    "SELECT (SELECT uid FROM (SELECT uid, modseq FROM entry WHERE mailbox = ? AND uid < ? ORDER BY uid DESC LIMIT ?)"
    " AS page WHERE modseq <= ? LIMIT 1), (SELECT max(uid) FROM entry WHERE mailbox = ? AND uid < ?)"
)
"""The last message that did not come after a version, among the newest ones, and the newest one."""
_FURTHER = "SELECT 1 FROM entry WHERE mailbox = ? AND uid < ? ORDER BY uid DESC LIMIT 1 OFFSET ?"
ALL = 1 << 62


Goals = Mapping[tuple[int, str], tuple[int, str]]
"""System flags and keywords after a change by those before it."""


class ChangedRange(NamedTuple):
    """Messages with the same flags, and the version of the event that gave them. Some UIDs may be gone."""

    first: int
    last: int
    system: int
    keywords: str
    modseq: int


def overlaps(reader: Reader, mailbox: str, first: int, last: int) -> bool:
    """Whether a range has a UID between two."""
    return reader.first_row(_IS_THERE, (mailbox, mailbox, first, last, first)) is not None


def rows_between(reader: Reader, mailbox: str, first: int, last: int) -> list[Row]:
    """The ranges that have a UID between two, ascending, as the fields of ChangedRange."""
    rows = reader.all(_FROM_TO, (mailbox, mailbox, first, last))
    return rows[1:] if rows and rows[0][1] < first else rows


def overlapping(reader: Reader, mailbox: str, first: int, last: int) -> list[ChangedRange]:
    """The same as values."""
    return list(starmap(ChangedRange, rows_between(reader, mailbox, first, last)))


class FlagCount(NamedTuple):
    """How many messages have the same flags."""

    system: int
    keywords: str
    messages: int


def counted(reader: Reader, mailbox: str, first: int, last: int) -> list[FlagCount] | None:
    """The flags of messages between two UIDs, without gaps, when many ranges of one event hold them exactly; else None.

    No two neighbours among such ranges have equal flags.
    """
    asked = mailbox, first, last, last
    ranges, messages, lowest, oldest, newest = reader.first_row(_EXACT, asked) or (0, 0, 0, 0, 0)
    if ranges <= _FEW or messages != last - first + 1 or lowest != first or oldest != newest:
        return None
    return list(starmap(FlagCount, reader.all(_COUNTED, asked)))


def change(connection: Connection, mailbox: str, span: Range, goals: Goals, modseq: int) -> None:
    """Give all ranges between two UIDs other flags, with a statement for each combination of flags before."""
    for (system, keywords), goal in goals.items():
        asked = *goal, modseq, mailbox, *span, span[1], system, keywords, modseq
        connection.execute(_CHANGE, asked)


def note(connection: Connection, mailbox: str, changed: Sequence[ChangedRange]) -> None:
    """Give messages new flags. The ranges ascend."""
    for near in _neighbours(_alike_joined(changed)):
        before = overlapping(connection, mailbox, near[0].first, near[-1].last)
        after = _carved(before, near)
        held = {span.first: span for span in before}
        gone = sorted(held.keys() - {span.first for span in after})
        for text, parameters in conditions(ranges(gone)):
            within = text.replace("uid", "first")
            connection.execute(f"DELETE FROM changed WHERE mailbox = ? AND {within}", (mailbox, *parameters))  # noqa: S608
        for rows in _chunks([(mailbox, *span) for span in after if held.get(span.first) != span]):
            marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
            connection.execute(_NOTE.format(rows=marks), [value for row in rows for value in row])


def _alike_joined(changed: Iterable[ChangedRange]) -> Iterator[ChangedRange]:
    """The same ranges, adjacent ones with equal flags as one."""
    held: ChangedRange | None = None
    for span in changed:
        if held is not None and span.first == held.last + 1 and span[2:] == held[2:]:
            held = held._replace(last=span.last)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def _neighbours(changed: Iterable[ChangedRange]) -> Iterator[list[ChangedRange]]:
    """The ranges in groups that one statement reads with little between them."""
    held: list[ChangedRange] = []
    for span in changed:
        if held and span.first - held[-1].last > _NEAR:
            yield held
            held = []
        held.append(span)
    if held:
        yield held


def _carved(before: Sequence[ChangedRange], new: Sequence[ChangedRange]) -> list[ChangedRange]:
    """The new ranges, and what they leave of those before; both ascend."""
    result = list(new)
    at = 0
    for span in before:
        first = span.first
        while at < len(new) and new[at].last < first:
            at += 1
        for cut in range(at, len(new)):
            if new[cut].first > span.last:
                break
            if first < new[cut].first:
                result.append(span._replace(first=first, last=new[cut].first - 1))
            first = new[cut].last + 1
        if first <= span.last:
            result.append(span._replace(first=first))
    return sorted(result)


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    at = 0
    for size in _ROWS_A_STATEMENT:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size


def forget(connection: Connection, mailbox: str, condition: Condition) -> None:
    """Remove the ranges all of whose messages leave the mailbox."""
    text, parameters = condition
    if text == RANGE:
        within, bounds = "first BETWEEN ? AND ? AND last <= ?", (*parameters, parameters[-1])
    else:
        within, bounds = text.replace("uid", "first") + " AND last = first", parameters
    connection.execute(f"DELETE FROM changed WHERE mailbox = ? AND {within}", (mailbox, *bounds))  # noqa: S608


def since(reader: Reader, mailbox: str, version: int, below: int, most: int = ALL) -> Ranges | None:
    """UID ranges below a UID that hold every message which came or changed after a version.

    All messages in them did, and some of their UIDs may be gone. None when more than `most` rows must be read.
    """
    newest = _newest(reader, mailbox, version, below, most)
    if newest is None:
        return None
    rows = reader.all(_SINCE, (mailbox, version, below, min(most + 1, ALL)))
    if len(rows) > most:
        return None
    return joined(sorted([*((first, min(last, below - 1)) for first, last in rows), *newest]))


def _newest(reader: Reader, mailbox: str, version: int, below: int, most: int) -> Ranges | None:
    """The messages at the end of the mailbox that came after a version, as one range."""
    asked = (mailbox, below, min(most + 1, ALL), version, mailbox, below)
    before, last = reader.first_row(_NEWEST, asked) or (None, None)
    if last is None or before == last:
        return ()
    if before is None and most < ALL and reader.first_row(_FURTHER, (mailbox, below, most)):
        return None
    return (((before or 0) + 1, last),)


def changed_table(metadata: MetaData) -> Table:
    """Declare the table."""
    return Table(
        "changed",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("system", Integer, nullable=False),
        Column("keywords", Text, nullable=False),
        Column("modseq", BigInteger, nullable=False),
        PrimaryKeyConstraint("mailbox", "first"),
        Index("changed_modseq", "mailbox", "modseq"),
        sqlite_with_rowid=False,
    )
