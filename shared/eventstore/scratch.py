"""Projection tables of their own in memory, to fold into, and the reading of tables row by row."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy

from shared.eventstore.connection import Connection, Reader, Row
from shared.eventstore.event import Recorded
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.transaction import Projection

_PAGE = 2000


@contextlib.contextmanager
def scratch(projections: Sequence[Projection]) -> Iterator[Connection]:
    """Empty projection tables in memory, inside an open transaction."""
    backend = SqliteBackend.memory()
    metadata = sqlalchemy.MetaData()
    for table in tables_of(projections):
        table.to_metadata(metadata)
    backend.create(metadata)
    connection = backend.connect()
    connection.begin()
    try:
        yield connection
    finally:
        connection.close()
        backend.close()


def apply_all(connection: Connection, events: Iterable[Recorded], projections: Sequence[Projection]) -> Iterator[int]:
    """Fold events into tables; yields the running count, so that a long fold can show its progress."""
    for count, recorded in enumerate(events, 1):
        for projection in projections:
            projection.apply(connection, recorded)
        yield count


def tables_of(projections: Sequence[Projection]) -> list[sqlalchemy.Table]:
    """Every table of some projections."""
    return [table for projection in projections for table in projection.tables]


def key_names(table: sqlalchemy.Table) -> list[str]:
    """The columns of a table's primary key."""
    return [column.name for column in table.primary_key.columns]


def pages(reader: Reader, table: sqlalchemy.Table) -> Iterator[list[Row]]:
    """All rows of a table by primary key, a page at a time, binary columns as bytes."""
    names = ", ".join(column.name for column in table.columns)
    keys = key_names(table)
    order = ", ".join(keys)
    positions = [list(table.columns.keys()).index(key) for key in keys]
    where, last = "", ()
    while True:
        rows = reader.all(f"SELECT {names} FROM {table.name}{where} ORDER BY {order} LIMIT {_PAGE}", last)  # noqa: S608
        yield [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows]
        if len(rows) < _PAGE:
            return
        last = tuple(rows[-1][position] for position in positions)
        where = f" WHERE ({order}) > ({', '.join('?' * len(keys))})"


def insert(connection: Connection, table: sqlalchemy.Table, rows: Sequence[Row]) -> None:
    """Insert whole rows."""
    if rows:
        marks = ", ".join("?" * len(table.columns))
        names = ", ".join(column.name for column in table.columns)
        connection.execute_many(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", _with_truth(table, rows))  # noqa: S608


def _with_truth(table: sqlalchemy.Table, rows: Sequence[Row]) -> Sequence[Row]:
    """Truth values as such: SQLite, where rows are folded, gives numbers for them, and PostgreSQL takes none."""
    truths = [isinstance(column.type, sqlalchemy.Boolean) for column in table.columns]
    if not any(truths):
        return rows
    return [
        tuple(bool(value) if truth and value is not None else value for truth, value in zip(truths, row, strict=True))
        for row in rows
    ]


def keyed(reader: Reader, table: sqlalchemy.Table) -> dict[Row, Row]:
    """Every row of a table under its primary key."""
    positions = [list(table.columns.keys()).index(key) for key in key_names(table)]
    return {tuple(row[position] for position in positions): row for page in pages(reader, table) for row in page}
