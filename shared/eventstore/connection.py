"""A SQL connection of the store: prepared text on the driver's own connection, with question marks for parameters.

SQLAlchemy is used for schema and engines. The frequent statements run as text, because six of them through SQLAlchemy
Core cost ten times as much.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class StoreUnavailable(Exception):
    """The database is unavailable (disk full, connection lost, fenced out); nothing was written; try again later.

    `in_doubt`: the connection was lost during a commit; whether it succeeded is known only when the database answers
    again. A commit that the database refused is not in doubt.
    """

    def __init__(self, message: str, *, in_doubt: bool = False) -> None:
        super().__init__(message)
        self.in_doubt = in_doubt


class Tally:
    """Counts the statements and rows of connections; integers only, so that counting costs almost nothing.

    Statements that begin or end transactions, and failed ones, are not counted; a statement for many rows counts once.
    """

    __slots__ = ("read", "statements", "written")

    def __init__(self) -> None:
        self.statements = 0
        self.read = 0
        """Rows that were returned."""
        self.written = 0
        """Rows that were inserted, changed or deleted."""

    @property
    def touched(self) -> int:
        """Statements and rows together, as a rough measure of work."""
        return self.statements + self.read + self.written

    def add(self, other: Tally) -> None:
        """Add the counts of another tally."""
        self.statements += other.statements
        self.read += other.read
        self.written += other.written


class Tallies:
    """The tallies of all connections of a database.

    Each belongs to the thread that uses its connection; the sum may be read from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Tally] = []
        self._closed = Tally()

    def opened(self) -> Tally:
        """A tally for a new connection."""
        tally = Tally()
        with self._lock:
            self._open.append(tally)
        return tally

    def closed(self, tally: Tally) -> None:
        """Remove the tally of a closed connection, keeping its counts."""
        with self._lock:
            if tally in self._open:
                self._open.remove(tally)
                self._closed.add(tally)

    def sum(self) -> Tally:
        """The counts of all connections, including closed ones."""
        total = Tally()
        with self._lock:
            for tally in (self._closed, *self._open):
                total.add(tally)
        return total


class Reader(Protocol):
    """Statements that only read."""

    octet_order: str
    """A clause after a text column in ORDER BY: the order of its octets, as in SQLite and Python."""

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows."""

    def first_row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""


class StreamReader(Reader, Protocol):
    """A reader whose results need not fit into memory."""

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """All rows, with few of them in memory.

        Only within a transaction, to the end of the rows or of the transaction; the rows must not change meanwhile.
        """


class Connection(StreamReader, Protocol):
    """Statements that change rows, and the transaction around them."""

    tally: Tally
    """The counts of this connection."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; returns the number of rows it changed."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""

    def begin(self) -> None:
        """Begin the transaction of the group."""

    def begin_reading(self) -> None:
        """Begin a transaction that sees one state of the database and changes nothing; `rollback` ends it."""

    def commit(self) -> None:
        """Commit the group. Raises StoreUnavailable when that fails, with `in_doubt` when the result is unknown."""

    def rollback(self) -> None:
        """Roll back the whole group."""

    def save(self) -> None:
        """Set the savepoint of a unit of work."""

    def release(self) -> None:
        """Release the savepoint and keep the changes after it."""

    def undo(self) -> None:
        """Roll back to the savepoint. Raises StoreUnavailable when the transaction itself is lost."""

    def close(self) -> None:
        """Close the connection."""
