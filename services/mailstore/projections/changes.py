"""Keeps the UID ranges whose flags changed, so that the changes after a version are found without reading a mailbox.

An index on the MODSEQ of entries would do the same, but a STORE on thousands of messages would move each of them in it,
which costs several times as much as the change itself. A range is written once, however many messages it has.

Messages that came after a version need no row: UIDs ascend with versions, so these messages are the last ones of the
mailbox, and every one of them has a higher MODSEQ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.projections.conditions import RANGE, Condition
from shared.events.mailbox import Uids
from shared.eventstore.connection import Connection, Reader
from shared.protocol.imap.ranges import Ranges, joined

_NOTE = "INSERT INTO changed (mailbox, first, last, modseq) VALUES {rows}"
_AGAIN = " ON CONFLICT (mailbox, first, last) DO UPDATE SET modseq = excluded.modseq"
_ROWS_A_STATEMENT = (100, 10, 1)
"""The numbers of rows in statements, so that there are few distinct ones."""
_SINCE = "SELECT first, last FROM changed WHERE mailbox = ? AND modseq > ? AND first < ? LIMIT ?"
_NEWEST = (
    "SELECT (SELECT uid FROM (SELECT uid, modseq FROM entry WHERE mailbox = ? AND uid < ? ORDER BY uid DESC LIMIT ?)"
    " AS page WHERE modseq <= ? LIMIT 1), (SELECT max(uid) FROM entry WHERE mailbox = ? AND uid < ?)"
)
"""The last message that did not change after a version, among the newest ones, and the newest one."""
_FURTHER = "SELECT 1 FROM entry WHERE mailbox = ? AND uid < ? ORDER BY uid DESC LIMIT 1 OFFSET ?"
ALL = 1 << 62


def note(connection: Connection, mailbox: str, uids: Uids, modseq: int) -> None:
    """Note that messages changed; all of them have this MODSEQ now. A range that changes again keeps its row."""
    for rows in _chunks([(mailbox, first, last, modseq) for first, last in uids]):
        marks = ", ".join(["(?, ?, ?, ?)"] * len(rows))
        connection.execute(_NOTE.format(rows=marks) + _AGAIN, [value for row in rows for value in row])


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
    """The messages at the end of the mailbox that came or changed after a version, as one range."""
    asked = (mailbox, below, min(most + 1, ALL), version, mailbox, below)
    before, last = reader.first_row(_NEWEST, asked) or (None, None)
    if last is None or before == last:
        return ()
    if before is None and most < ALL and reader.first_row(_FURTHER, (mailbox, below, most)):
        return None
    return (((before or 0) + 1, last),)


def changed_table(metadata: MetaData) -> Table:
    """Declare the table. `modseq` is that of the last change of exactly this range."""
    return Table(
        "changed",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("modseq", BigInteger, nullable=False),
        PrimaryKeyConstraint("mailbox", "first", "last"),
        Index("changed_modseq", "mailbox", "modseq"),
        sqlite_with_rowid=False,
    )
