"""Scratch tables of projections in a file that is deleted with its process, and reading of tables row by row.

The memory does not grow with the store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import sqlalchemy

from shared.eventstore.connection import Connection, Reader, Row, StreamReader, Tallies
from shared.eventstore.event import Recorded
from shared.eventstore.sqlite import SqliteConnection, scratch_engine
from shared.eventstore.transaction import Projection

_AT_ONCE, _OCTETS_AT_ONCE = 200, 256 * 1024
_TABLES = 128
"""Number of tables whose statement texts are cached; making a text for each row costs more than its statement."""


@contextlib.contextmanager
def scratch(projections: Sequence[Projection], folder: Path | None) -> Iterator[Connection]:
    """Empty tables of projections in a file of `folder` (None: the temporary folder), in an open transaction."""
    engine = scratch_engine(folder)
    metadata = sqlalchemy.MetaData()
    for table in tables_of(projections):
        table.to_metadata(metadata)
    metadata.create_all(engine)
    connection = SqliteConnection(engine, Tallies())
    connection.begin()
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()


def apply_all(connection: Connection, events: Iterable[Recorded], projections: Sequence[Projection]) -> Iterator[int]:
    """Apply events to tables; yields the count after each, so that a long fold can show its progress."""
    for count, recorded in enumerate(events, 1):
        for projection in projections:
            projection.apply(connection, recorded)
        yield count


def tables_of(projections: Sequence[Projection]) -> list[sqlalchemy.Table]:
    """All tables of some projections."""
    return [table for projection in projections for table in projection.tables]


@lru_cache(maxsize=_TABLES)
def key_names(table: sqlalchemy.Table) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    return tuple(column.name for column in table.primary_key.columns)


def key_positions(table: sqlalchemy.Table) -> list[int]:
    """The indexes of the primary key's columns in a row."""
    names = list(table.columns.keys())
    return [names.index(key) for key in key_names(table)]


@lru_cache(maxsize=_TABLES)
def _columns(table: sqlalchemy.Table) -> str:
    return ", ".join(column.name for column in table.columns)


def rows_of(reader: StreamReader, table: sqlalchemy.Table) -> Iterator[Row]:
    """All rows of a table by primary key.

    Texts are in the order of their octets on every database; binary columns are bytes.
    """
    order = ", ".join(
        column.name + (reader.octet_order if isinstance(column.type, sqlalchemy.Text) else "")
        for column in table.primary_key.columns
    )
    for row in reader.stream(f"SELECT {_columns(table)} FROM {table.name} ORDER BY {order}"):  # noqa: S608
        yield _plain_row(row)


def row_of_key(reader: Reader, table: sqlalchemy.Table, key: Row) -> Row | None:
    """One row, with values like those of `rows_of`."""
    row = reader.first_row(f"SELECT {_columns(table)} FROM {table.name} WHERE {where_key(table)}", key)  # noqa: S608
    return _plain_row(row) if row is not None else None


def delete(connection: Connection, table: sqlalchemy.Table, key: Row) -> None:
    """Remove one row."""
    connection.execute(f"DELETE FROM {table.name} WHERE {where_key(table)}", key)  # noqa: S608


@lru_cache(maxsize=_TABLES)
def where_key(table: sqlalchemy.Table) -> str:
    """The condition that selects a row by its key."""
    return " AND ".join(f"{column} = ?" for column in key_names(table))


def insert(connection: Connection, table: sqlalchemy.Table, rows: Iterable[Row]) -> int:
    """Insert complete rows, some at a time; returns their number."""
    marks = ", ".join("?" * len(table.columns))
    sql = f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({marks})"  # noqa: S608
    count = 0
    for some in _pieces(rows):
        piece = _with_truth(table, some)
        if len(piece) == 1:
            connection.execute(sql, piece[0])  # cheaper on PostgreSQL than a pipeline
        else:
            connection.execute_many(sql, piece)
        count += len(some)
    return count


def octets_of(row: Row) -> int:
    """The approximate memory of a row's texts and binary columns."""
    return sum(len(value) for value in row if isinstance(value, str | bytes))


def _plain_row(row: Row) -> Row:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in pieces, each limited by rows and octets."""
    some: list[Row] = []
    octets = 0
    for row in rows:
        some.append(row)
        octets += octets_of(row)
        if len(some) >= _AT_ONCE or octets >= _OCTETS_AT_ONCE:
            yield some
            some, octets = [], 0
    if some:
        yield some


def _with_truth(table: sqlalchemy.Table, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with booleans: SQLite, where rows are computed, returns numbers for them, which PostgreSQL does not
    accept."""
    truths = _truths(table)
    if not any(truths):
        return rows
    return [
        tuple(bool(value) if truth and value is not None else value for truth, value in zip(truths, row, strict=True))
        for row in rows
    ]


@lru_cache(maxsize=_TABLES)
def _truths(table: sqlalchemy.Table) -> tuple[bool, ...]:
    return tuple(isinstance(column.type, sqlalchemy.Boolean) for column in table.columns)
