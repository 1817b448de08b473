"""Damages rows of a store's projections with the standard library's sqlite3, without the server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORE_TABLES = frozenset({"event", "stream", "cursor", "head", "snapshot", "projection", "lease"})
"""The log and its bookkeeping; all other tables belong to projections."""


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is its place in the primary key, from 1; 0 when it does not belong to the key."""

    name: str
    kind: str
    key: int


@dataclass(frozen=True, slots=True)
class Damaged:
    """What was done to one row."""

    how: str
    table: str
    key: tuple[Any, ...]


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """The database, committed at the end of the block."""
    with closing(sqlite3.connect(file, timeout=20)) as connection, connection:
        yield connection


def projection_tables(file: Path) -> list[str]:
    """Every table that is computed from the log."""
    with opened(file) as connection:
        names = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
    return [name for name in names if name not in STORE_TABLES and not name.startswith("sqlite_")]


def damage(file: Path, table: str) -> list[Damaged]:
    """Alter one row, delete one and insert one: as many of the three as the table's rows allow."""
    with opened(file) as connection:
        columns = [Column(row[1], row[2].upper(), row[5]) for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT * FROM {table} LIMIT 2").fetchall()
        done = [_inserted(connection, table, columns)]
        if rows and any(not column.key for column in columns):
            done.append(_altered(connection, table, columns, rows[0]))
        if rows and (len(rows) > 1 or len(done) == 1):
            done.append(_deleted(connection, table, columns, rows[-1]))
    return done


def _inserted(connection: sqlite3.Connection, table: str, columns: Sequence[Column]) -> Damaged:
    row = [_alien(column) for column in columns]
    marks = ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
    return Damaged("inserted", table, _key(columns, row))


def _altered(connection: sqlite3.Connection, table: str, columns: Sequence[Column], row: Sequence[Any]) -> Damaged:
    place = next(number for number, column in enumerate(columns) if not column.key)
    key = _key(columns, row)
    connection.execute(
        f"UPDATE {table} SET {columns[place].name} = ? WHERE {_where(columns)}", (_other(row[place]), *key)
    )
    return Damaged("altered", table, key)


def _deleted(connection: sqlite3.Connection, table: str, columns: Sequence[Column], row: Sequence[Any]) -> Damaged:
    key = _key(columns, row)
    connection.execute(f"DELETE FROM {table} WHERE {_where(columns)}", key)
    return Damaged("deleted", table, key)


def _keys(columns: Sequence[Column]) -> list[int]:
    return sorted(
        (number for number, column in enumerate(columns) if column.key), key=lambda number: columns[number].key
    )


def _key(columns: Sequence[Column], row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(row[number] for number in _keys(columns))


def _where(columns: Sequence[Column]) -> str:
    return " AND ".join(f"{columns[number].name} = ?" for number in _keys(columns))


def _alien(column: Column) -> Any:
    if "INT" in column.kind or "BOOL" in column.kind:
        return 0
    return b"alien" if "BLOB" in column.kind else f"alien {column.name}"


def _other(value: Any) -> Any:
    if isinstance(value, bytes):
        return value + b"!"
    return value + 1 if isinstance(value, int) else f"{value}!"


def swap_names(file: Path) -> list[tuple[str]]:
    """Exchange the names of two mailboxes of an account, which a unique index covers; returns their ids."""
    with opened(file) as connection:
        account = connection.execute("SELECT account FROM mailbox GROUP BY account HAVING count(*) > 1").fetchone()[0]
        (entry, its), (two, others) = connection.execute(
            "SELECT id, name FROM mailbox WHERE account = ? ORDER BY id LIMIT 2", (account,)
        ).fetchall()
        for name, box in (("between", entry), (its, two), (others, entry)):
            connection.execute("UPDATE mailbox SET name = ? WHERE id = ?", (name, box))
    return [(entry,), (two,)]
