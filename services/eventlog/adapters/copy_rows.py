"""The rows about the copy of the log in OpenSearch: what it lacks, what it must forget, and which copy it is.

They change in the transaction that changes the log, so that nothing is missed whatever dies in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.eventstore.connection import Connection, Reader

_SEND = "INSERT INTO fact_unsent (id) VALUES (?) ON CONFLICT (id) DO NOTHING"
_FORGET = "INSERT INTO fact_unforgotten (id) VALUES (?) ON CONFLICT (id) DO NOTHING"
_SEND_SPAN = (
    "INSERT INTO fact_unsent (id) SELECT id FROM fact WHERE id >= ? AND id < ? ORDER BY id LIMIT 20000"
    " ON CONFLICT (id) DO NOTHING"
)
_SPAN_END = "SELECT max(id) FROM (SELECT id FROM fact WHERE id >= ? AND id < ? ORDER BY id LIMIT 20000) part"
_SET = "INSERT INTO copy_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


TOKEN, MADE, RESET = "token", "made", "reset"
"""Whose copy it is; whether it was begun; whether it must be made anew."""


class PendingCopies(NamedTuple):
    """Log ids that OpenSearch does not have yet, and those that it must forget."""

    unsent: list[int]
    unforgotten: list[int]

    @property
    def excluded(self) -> list[int]:
        """What an answer of OpenSearch must leave out: the log itself knows it better."""
        return [*self.unsent, *self.unforgotten]


def send(connection: Connection, ids: Iterable[int]) -> None:
    """Send these events when OpenSearch takes them."""
    connection.execute_many(_SEND, [(log_id,) for log_id in ids])


def forget(connection: Connection, ids: Iterable[int]) -> None:
    """Let OpenSearch forget these events."""
    rows = [(log_id,) for log_id in ids]
    connection.execute_many("DELETE FROM fact_unsent WHERE id = ?", rows)
    connection.execute_many(_FORGET, rows)


def send_span(connection: Connection, first: int, end: int) -> int:
    """Send up to 20,000 events of a span again; returns the id to continue with, or 0 at its end."""
    row = connection.first_row(_SPAN_END, (first, end))
    if row is None or row[0] is None:
        return 0
    connection.execute(_SEND_SPAN, (first, end))
    return int(row[0]) + 1


def sent(connection: Connection, ids: Sequence[int]) -> None:
    """OpenSearch has these, or refused them."""
    connection.execute_many("DELETE FROM fact_unsent WHERE id = ?", [(log_id,) for log_id in ids])


def forgotten(connection: Connection, ids: Sequence[int]) -> None:
    """OpenSearch has none of these any more."""
    connection.execute_many("DELETE FROM fact_unforgotten WHERE id = ?", [(log_id,) for log_id in ids])


def drop_before(connection: Connection, first_kept: int) -> None:
    """What left the log is not sent any more."""
    connection.execute("DELETE FROM fact_unsent WHERE id < ?", (first_kept,))


def end_copy(connection: Connection) -> None:
    """Nothing is copied from now on; a later copy is made anew from the whole log."""
    if state(connection, TOKEN) and not state(connection, RESET):
        connection.execute("DELETE FROM fact_unsent")
        connection.execute("DELETE FROM fact_unforgotten")
        set_state(connection, RESET, "1")


def set_state(connection: Connection, name: str, value: str) -> None:
    """Keep a value about the copy."""
    connection.execute(_SET, (name, value))


def state(reader: Reader, name: str) -> str:
    """A kept value; empty when there is none."""
    row = reader.first_row("SELECT value FROM copy_state WHERE name = ?", (name,))
    return str(row[0]) if row else ""


def states(reader: Reader) -> tuple[str, str, str]:
    """The values of TOKEN, MADE and RESET."""
    return state(reader, TOKEN), state(reader, MADE), state(reader, RESET)


def unsent(reader: Reader, limit: int, after: int = 0) -> list[int]:
    """The next events to send."""
    sql = "SELECT id FROM fact_unsent WHERE id > ? ORDER BY id LIMIT ?"
    return [row[0] for row in reader.all(sql, (after, limit))]


def unforgotten(reader: Reader, limit: int) -> list[int]:
    """The first events to forget."""
    return [row[0] for row in reader.all("SELECT id FROM fact_unforgotten ORDER BY id LIMIT ?", (limit,))]


def pending(reader: Reader, limit: int) -> PendingCopies:
    """What an answer of OpenSearch lacks, up to a limit of each."""
    return PendingCopies(unsent(reader, limit), unforgotten(reader, limit))


def count_unsent(reader: Reader) -> int:
    """How many events are waiting."""
    row = reader.first_row("SELECT count(*) FROM fact_unsent")
    return int(row[0]) if row else 0
