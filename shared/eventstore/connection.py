"""One SQL connection as the store uses it: prepared text on the driver's own connection, question marks for parameters.

SQLAlchemy owns schema and engines; the hot statements below it run as text, because six of them through Core cost ten
times as much (DESIGN §4).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class StoreUnavailable(Exception):
    """The database cannot serve now (disk full, connection lost, fenced out): nothing was written; try again later.

    `in_doubt`: the connection was lost while a commit was under way; whether it is valid is known only when the
    database answers again. A commit that the database refused is not in doubt.
    """

    def __init__(self, message: str, *, in_doubt: bool = False) -> None:
        super().__init__(message)
        self.in_doubt = in_doubt


class Tally:
    """What connections were asked since they were opened. Integers alone, so that counting costs next to nothing.

    Transactions' frames and statements that failed are not counted; one statement for many rows counts once.
    """

    __slots__ = ("read", "statements", "written")

    def __init__(self) -> None:
        self.statements = 0
        self.read = 0
        """Rows given out."""
        self.written = 0
        """Rows inserted, changed or deleted."""

    @property
    def touched(self) -> int:
        """Statements and rows together: what the work was, roughly."""
        return self.statements + self.read + self.written

    def add(self, other: Tally) -> None:
        """Count what another counted as well."""
        self.statements += other.statements
        self.read += other.read
        self.written += other.written


class Tallies:
    """The tallies of one database's connections. Each belongs to the one thread that uses its connection; the sum is
    read from any.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Tally] = []
        self._closed = Tally()

    def opened(self) -> Tally:
        """For a new connection."""
        tally = Tally()
        with self._lock:
            self._open.append(tally)
        return tally

    def closed(self, tally: Tally) -> None:
        """Its connection counts no more."""
        with self._lock:
            if tally in self._open:
                self._open.remove(tally)
                self._closed.add(tally)

    def sum(self) -> Tally:
        """Of all connections, those closed included."""
        total = Tally()
        with self._lock:
            for tally in (self._closed, *self._open):
                total.add(tally)
        return total


class Reader(Protocol):
    """Statements that only look."""

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row."""

    def first_row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""


class StreamReader(Reader, Protocol):
    """A reader whose answers need not fit into memory."""

    octet_order: str
    """Behind a text column in ORDER BY: the order of its octets, which is SQLite's own and Python's."""

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Every row, never many of them in memory. Inside a transaction alone, to its end or to the end of the
        transaction; the rows must not change meanwhile.
        """


class Connection(StreamReader, Protocol):
    """Statements that change rows, and the frame of a transaction around them."""

    tally: Tally
    """What this connection was asked."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; the number of rows it touched."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""

    def begin(self) -> None:
        """Open the group's transaction."""

    def begin_reading(self) -> None:
        """Open a transaction that sees one state of the database throughout and changes nothing; `rollback` ends it."""

    def commit(self) -> None:
        """Make the group durable. Raises StoreUnavailable when it cannot be; `in_doubt` where nobody knows."""

    def rollback(self) -> None:
        """Undo the whole group."""

    def save(self) -> None:
        """Set the savepoint of one unit of work."""

    def release(self) -> None:
        """Keep what came since the savepoint."""

    def undo(self) -> None:
        """Undo what came since the savepoint. Raises StoreUnavailable when the transaction itself is gone."""

    def close(self) -> None:
        """Give the connection back."""
