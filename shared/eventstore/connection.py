"""One SQL connection as the store uses it: prepared text on the driver's own connection, question marks for parameters.

SQLAlchemy owns schema and engines; the hot statements below it run as text, because six of them through Core cost ten
times as much (DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class StoreUnavailable(Exception):
    """The database cannot serve now (disk full, connection lost, fenced out): nothing was written; try again later."""


class Reader(Protocol):
    """Statements that only look."""

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Every row."""

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""


class Connection(Reader, Protocol):
    """Statements that change rows, and the frame of a transaction around them."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; the number of rows it touched."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""

    def begin(self) -> None:
        """Open the group's transaction."""

    def begin_reading(self) -> None:
        """Open a transaction that sees one state of the database throughout and changes nothing; `rollback` ends it."""

    def commit(self) -> None:
        """Make the group durable. Raises StoreUnavailable when it cannot be."""

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
