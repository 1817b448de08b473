r"""The rows that hold the \Seen of those who share a mailbox: UID ranges, with the MODSEQ of their last change.

A message without a row is unseen and was never changed. The ranges of a reader do not overlap, and hold no UID that has
left the mailbox. A reader has ranges after his first change; until then he sees those of the reader with the empty
name, which are what was seen in the mailbox when \Seen became each user's own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from shared.eventstore.connection import Connection, Reader
from shared.protocol.imap.ranges import Ranges, common, count, joined, without

ALL_READERS = ""
"""The reader whose ranges all see who have none of their own."""
_WIDTH = 2000
"""UIDs over which one statement reads, so that ranges between distant messages are not read."""
_WITHIN = (
    "SELECT first, last, seen, modseq FROM own_seen WHERE mailbox = ? AND reader = ? AND first <= ? AND first >="
    " COALESCE((SELECT max(first) FROM own_seen WHERE mailbox = ? AND reader = ? AND first <= ?), 0) ORDER BY first"
)
_INSERT = "INSERT INTO own_seen (mailbox, reader, first, last, seen, modseq) VALUES {}"
_ROWS_A_STATEMENT = (100, 10, 1)
"""The numbers of rows in statements, so that there are few distinct ones."""


class SeenRun(NamedTuple):
    """Messages that are alike for a reader."""

    first: int
    last: int
    is_seen: bool
    modseq: int


def runs_within(reader: Reader, mailbox: str, name: str, uids: Ranges) -> list[SeenRun]:
    """The ranges of a reader that have any of these UIDs, ascending; others may be among them."""
    runs: list[SeenRun] = []
    for first, last in _stretches(uids):
        rows = reader.all(_WITHIN, (mailbox, name, last, mailbox, name, first))
        some = [SeenRun(row[0], row[1], bool(row[2]), row[3]) for row in rows if row[1] >= first]
        runs += some[1:] if runs and some and some[0] == runs[-1] else some
    return runs


def _stretches(uids: Ranges) -> Iterator[tuple[int, int]]:
    """Few intervals that contain the UIDs, each short or a range itself."""
    begin = end = 0
    for first, last in uids:
        if begin and last - begin > _WIDTH:
            yield begin, end
            begin = 0
        begin, end = begin or first, last
    if begin:
        yield begin, end


def seen_of(runs: Iterable[SeenRun]) -> Ranges:
    """The UIDs that are seen."""
    return joined((run.first, run.last) for run in runs if run.is_seen)


def put(connection: Connection, mailbox: str, name: str, uids: Ranges, seen: bool | None, modseq: int) -> None:
    """Set the state of messages for a reader; None: they leave the mailbox."""
    runs = runs_within(connection, mailbox, name, uids)
    firsts, lasts = [first for first, _ in uids], [last for _, last in uids]
    gone: list[int] = []
    rows: list[tuple[Any, ...]] = []
    change = count(uids) if seen else 0
    for run in runs:
        cut = uids[bisect_left(lasts, run.first) : bisect_right(firsts, run.last)]
        if cut:
            whole = ((run.first, run.last),)
            gone.append(run.first)
            rows += [(mailbox, name, *left, int(run.is_seen), run.modseq) for left in without(whole, cut)]
            change -= count(common(whole, cut)) if run.is_seen else 0
    if seen is not None:
        rows += [(mailbox, name, first, last, int(seen), modseq) for first, last in uids]
    _replace(connection, mailbox, name, gone, rows)
    if change:
        sql = "UPDATE own_seen_reader SET seen = seen + ? WHERE mailbox = ? AND reader = ?"
        connection.execute(sql, (change, mailbox, name))


def _replace(
    connection: Connection, mailbox: str, name: str, gone: Sequence[int], rows: Sequence[tuple[Any, ...]]
) -> None:
    for some in _chunks(gone):
        marks = ", ".join("?" * len(some))
        sql = f"DELETE FROM own_seen WHERE mailbox = ? AND reader = ? AND first IN ({marks})"  # noqa: S608
        connection.execute(sql, (mailbox, name, *some))
    for page in _chunks(rows):
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(page))
        connection.execute(_INSERT.format(marks), [value for row in page for value in row])


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    at = 0
    for size in _ROWS_A_STATEMENT:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size


def readers(reader: Reader, mailbox: str) -> list[str]:
    r"""All who have ranges; none where \Seen is not each user's own."""
    sql = "SELECT reader FROM own_seen_reader WHERE mailbox = ? ORDER BY reader"
    return [row[0] for row in reader.all(sql, (mailbox,))]


def name_of(reader: Reader, mailbox: str, name: str) -> tuple[str, int]:
    r"""Under which name the ranges stand that a reader sees, and the number of messages that are seen in them."""
    sql = (
        "SELECT reader, seen FROM own_seen_reader WHERE mailbox = ? AND reader IN (?, '') ORDER BY reader DESC LIMIT 1"
    )
    row = reader.first_row(sql, (mailbox, name))
    return (row[0], row[1]) if row else (ALL_READERS, 0)


def give_own(connection: Connection, account: str, mailbox: str, name: str) -> bool:
    r"""Give a reader ranges of his own, which begin as those of all. His MODSEQs begin with his own changes.

    False where \Seen is not each user's own.
    """
    if connection.first_row("SELECT 1 FROM own_seen_reader WHERE mailbox = ? AND reader = ?", (mailbox, name)):
        return True
    made = connection.execute(
        "INSERT INTO own_seen_reader (mailbox, reader, account, seen) SELECT mailbox, CAST(? AS TEXT),"
        " CAST(? AS TEXT), seen FROM own_seen_reader WHERE mailbox = ? AND reader = ''",
        (name, account, mailbox),
    )
    connection.execute(
        "INSERT INTO own_seen (mailbox, reader, first, last, seen, modseq) SELECT mailbox, CAST(? AS TEXT), first,"
        " last, seen, modseq FROM own_seen WHERE mailbox = ? AND reader = ''",
        (name, mailbox),
    )
    return made > 0
