r"""The rows that hold the \Seen of those who share a mailbox: UID ranges, with the MODSEQ of their last change.

A message without a row is unseen and was never changed. The ranges of a reader do not overlap. They keep the UIDs of
messages that left the mailbox, because thousands may read one; what left it is noted once, and taken out of the count
of a reader with his next changes. A reader has ranges after his first change; until then he sees those of the reader
with the empty name, which are what was seen in the mailbox when \Seen became each user's own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from shared.eventstore.connection import Connection, Reader, Row
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
_GONE_AT_ONCE = 200
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


def put(connection: Connection, mailbox: str, name: str, uids: Ranges, seen: bool, modseq: int) -> None:
    """Set the state of messages for a reader."""
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
    rows += [(mailbox, name, first, last, int(seen), modseq) for first, last in uids]
    _replace(connection, mailbox, name, gone, rows)
    _count(connection, mailbox, name, change)


def _count(connection: Connection, mailbox: str, name: str, change: int) -> None:
    """Change the count of a reader, and take out of it some of what left the mailbox since."""
    counted = counted_of(connection, mailbox, name)
    rows = gone_after(connection, mailbox, counted.until, _GONE_AT_ONCE)
    change -= seen_among(connection, mailbox, name, rows)
    until = rows[-1][:2] if rows else counted.until
    sql = (
        "UPDATE own_seen_reader SET seen = seen + ?, gone_version = ?, gone_first = ? WHERE mailbox = ? AND reader = ?"
    )
    connection.execute(sql, (change, *until, mailbox, name))


def leave(connection: Connection, mailbox: str, uids: Ranges, version: int) -> None:
    """Note messages that left the mailbox; the work does not grow with the readers."""
    if not is_own(connection, mailbox):
        return
    for page in _chunks([(mailbox, version, first, last) for first, last in uids]):
        marks = ", ".join(["(?, ?, ?, ?)"] * len(page))
        sql = f"INSERT INTO own_seen_gone (mailbox, version, first, last) VALUES {marks}"  # noqa: S608
        connection.execute(sql, [value for row in page for value in row])


def gone_after(reader: Reader, mailbox: str, until: tuple[int, int], most: int) -> list[Row]:
    """What left the mailbox, as (version, first UID, last UID), after a version and first UID."""
    sql = (
        "SELECT version, first, last FROM own_seen_gone WHERE mailbox = ? AND (version, first) > (?, ?)"
        " ORDER BY version, first LIMIT ?"
    )
    return reader.all(sql, (mailbox, *until, most))


def seen_among(reader: Reader, mailbox: str, name: str, gone: Sequence[Row]) -> int:
    """How many of these messages, which left the mailbox, a reader had seen."""
    uids = joined(sorted((first, last) for _, first, last in gone))
    return count(common(seen_of(runs_within(reader, mailbox, name, uids)), uids))


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


def is_own(reader: Reader, mailbox: str) -> bool:
    r"""Whether \Seen is each user's own."""
    sql = "SELECT 1 FROM own_seen_reader WHERE mailbox = ? AND reader = ''"
    return reader.first_row(sql, (mailbox,)) is not None


def readers(reader: Reader, mailbox: str, most: int = 1 << 62) -> list[str]:
    """All who have ranges, or some of them; the reader with the empty name is the first."""
    sql = "SELECT reader FROM own_seen_reader WHERE mailbox = ? ORDER BY reader LIMIT ?"
    return [row[0] for row in reader.all(sql, (mailbox, most))]


class SeenCount(NamedTuple):
    """The number of messages that are seen in the ranges of a reader."""

    name: str
    """The name under which the ranges stand that the reader sees."""
    seen: int
    """Without what left the mailbox up to `until`."""
    until: tuple[int, int]
    """A version and a first UID."""


def counted_of(reader: Reader, mailbox: str, name: str) -> SeenCount:
    """The count of a reader, or of all while he has no ranges of his own."""
    sql = (
        "SELECT reader, seen, gone_version, gone_first FROM own_seen_reader WHERE mailbox = ? AND reader IN (?, '')"
        " ORDER BY reader DESC LIMIT 1"
    )
    row = reader.first_row(sql, (mailbox, name))
    return SeenCount(row[0], row[1], (row[2], row[3])) if row else SeenCount(ALL_READERS, 0, (0, 0))


def give_own(connection: Connection, account: str, mailbox: str, name: str) -> bool:
    r"""Give a reader ranges of his own, which begin as those of all. His MODSEQs begin with his own changes.

    False where \Seen is not each user's own.
    """
    if connection.first_row("SELECT 1 FROM own_seen_reader WHERE mailbox = ? AND reader = ?", (mailbox, name)):
        return True
    made = connection.execute(
        "INSERT INTO own_seen_reader (mailbox, reader, account, seen, gone_version, gone_first) SELECT mailbox,"
        " CAST(? AS TEXT), CAST(? AS TEXT), seen, gone_version, gone_first FROM own_seen_reader"
        " WHERE mailbox = ? AND reader = ''",
        (name, account, mailbox),
    )
    connection.execute(
        "INSERT INTO own_seen (mailbox, reader, first, last, seen, modseq) SELECT mailbox, CAST(? AS TEXT), first,"
        " last, seen, modseq FROM own_seen WHERE mailbox = ? AND reader = ''",
        (name, mailbox),
    )
    return made > 0
