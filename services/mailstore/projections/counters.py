"""The counters of mailboxes, their keywords, and the UIDs that left them, as events about messages change them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from services.mailstore.projections.conditions import Condition
from services.mailstore.projections.current import source
from shared.events.mailbox import Uids
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SUM = (
    "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT),"
    " CAST(coalesce(sum(CASE WHEN (system & 1) = 0 THEN 1 ELSE 0 END), 0) AS BIGINT),"
    " CAST(coalesce(sum(CASE WHEN (system & 8) <> 0 THEN 1 ELSE 0 END), 0) AS BIGINT)"
    " FROM {table} WHERE mailbox = ? AND {condition}"
)
"""Messages, octets, messages without SEEN, messages with DELETED."""
_COUNT = (
    "UPDATE mailbox SET uid_next = CASE WHEN uid_next > ? THEN uid_next ELSE ? END, messages = messages + ?, unseen = "
    "unseen + ?,"
    " deleted = deleted + ?, size = size + ?, modseq = ? WHERE id = ?"
)
_VANISH = "INSERT INTO vanished (mailbox, modseq, first, last) VALUES "
_ROWS_A_STATEMENT = 100


class Sum(NamedTuple):
    """The counters of some messages in a mailbox."""

    messages: int = 0
    size: int = 0
    unseen: int = 0
    deleted: int = 0

    def plus(self, other: Iterable[int]) -> Sum:
        """The sum of both."""
        return Sum(*(mine + its for mine, its in zip(self, other, strict=True)))

    def negative(self) -> Sum:
        """The same counters, negative."""
        return Sum(-self.messages, -self.size, -self.unseen, -self.deleted)


def sum_of(connection: Connection, mailbox: str, condition: Condition, table: str = "") -> Sum:
    text, parameters = condition
    sql = _SUM.format(table=table or source(connection, mailbox), condition=text)
    return Sum(*(connection.first_row(sql, (mailbox, *parameters)) or ()))


def keywords_of(connection: Connection, mailbox: str, condition: Condition, table: str = "") -> set[str]:
    text, parameters = condition
    rows_of = table or source(connection, mailbox)
    sql = f"SELECT DISTINCT keywords FROM {rows_of} WHERE mailbox = ? AND {text} AND keywords <> ''"  # noqa: S608
    return {row[0] for row in connection.all(sql, (mailbox, *parameters))}


def count(connection: Connection, recorded: Recorded, mailbox: str, uid_next: int, change: Sum) -> None:
    row = (uid_next, uid_next, change.messages, change.unseen, change.deleted, change.size, recorded.version, mailbox)
    connection.execute(_COUNT, row)


def vanish(connection: Connection, recorded: Recorded, mailbox: str, uids: Uids) -> None:
    for rows in _chunks([(mailbox, recorded.version, first, last) for first, last in uids]):
        marks = ", ".join(["(?, ?, ?, ?)"] * len(rows))
        connection.execute(_VANISH + marks, [value for row in rows for value in row])


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Full chunks of rows, then single rows, so that there are only two distinct statements."""
    full = len(rows) // _ROWS_A_STATEMENT * _ROWS_A_STATEMENT
    yield from (rows[at : at + _ROWS_A_STATEMENT] for at in range(0, full, _ROWS_A_STATEMENT))
    yield from (rows[at : at + 1] for at in range(full, len(rows)))


def note_keywords(connection: Connection, mailbox: str, keywords: Iterable[str]) -> None:
    for word in sorted({word for words in keywords if words for word in words.split()}):
        connection.execute(
            "INSERT INTO keyword (mailbox, keyword) VALUES (?, ?) ON CONFLICT (mailbox, keyword) DO NOTHING",
            (mailbox, word),
        )
