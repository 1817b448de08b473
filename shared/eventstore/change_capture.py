"""Notes the keys of rows when projections change them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import sqlalchemy

from shared.eventstore.connection import Connection, Row
from shared.eventstore.event import Recorded
from shared.eventstore.pending_keys import PendingKeys
from shared.eventstore.scratch import key_names, tables_of
from shared.eventstore.transaction import Projection

_CHANGE = re.compile(r"\s*(?:INSERT INTO|(UPDATE)|DELETE FROM)\s+(\w+)")
_ASSIGNED = re.compile(r"(\w+)\s*=")


class _Statement(NamedTuple):
    """A statement that changes rows of a table and returns their keys."""

    table: str
    sql: str


class ChangeCapture:
    """Adds the keys of changed rows to `pending`. `changed` counts them, roughly, until it is reset."""

    def __init__(self, projections: Sequence[Projection], pending: PendingKeys) -> None:
        self._keys = {table.name: key_names(table) for table in tables_of(projections)}
        self._pending = pending
        self._statements: dict[str, _Statement | None] = {}
        self.changed = 0
        self.projections: tuple[Projection, ...] = tuple(_Captured(projection, self) for projection in projections)
        """The projections to be applied in place of the original ones."""

    def note(self, table: str, keys: Sequence[Row]) -> None:
        """Note that the rows with these keys were changed."""
        self.changed += len(keys)
        self._pending.add(table, keys)

    def statement(self, sql: str) -> _Statement | None:
        """The statement with its keys returned; None when it changes no table of a projection."""
        if sql not in self._statements:
            self._statements[sql] = self._read_statement(sql)
        return self._statements[sql]

    def _read_statement(self, sql: str) -> _Statement | None:
        change = _CHANGE.match(sql)
        if change is None:
            self._pending.lose(f"nobody knows which rows this changes: {sql}")
            return None
        keys = self._keys.get(change[2])
        if keys is None:
            return None
        if change[1] and not set(keys).isdisjoint(_ASSIGNED.findall(sql.partition(" WHERE ")[0])):
            self._pending.lose(f"an UPDATE changes a primary key: {sql}")
        return _Statement(change[2], f"{sql} RETURNING {', '.join(keys)}")


class _Captured:
    """A projection whose changes are noted."""

    def __init__(self, projection: Projection, capture: ChangeCapture) -> None:
        self._projection = projection
        self._capture = capture
        self.name = projection.name
        self.version = projection.version
        self.tables: Sequence[sqlalchemy.Table] = projection.tables

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        # A projection reads and changes rows; the transaction belongs to the writer.
        self._projection.apply(cast(Connection, _CapturingConnection(connection, self._capture)), recorded)


class _CapturingConnection:
    """The connection that such a projection gets."""

    def __init__(self, connection: Connection, capture: ChangeCapture) -> None:
        self._connection = connection
        self._capture = capture
        self.octet_order = connection.octet_order
        self.tally = connection.tally

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.all(sql, parameters)

    def first_row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        return self._connection.first_row(sql, parameters)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        return self._connection.stream(sql, parameters)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        statement = self._capture.statement(sql)
        if statement is None:
            return self._connection.execute(sql, parameters)
        keys = self._connection.all(statement.sql, parameters)
        self._capture.note(statement.table, keys)
        return len(keys)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self.execute(sql, row)
