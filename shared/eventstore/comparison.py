"""Compares stored rows with rows computed from the log: which differ, how many, and how they are corrected."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Set
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy

from shared.eventstore.connection import Connection, Reader, Row, StreamReader
from shared.eventstore.scratch import delete, insert, key_names, key_positions, octets_of, row_of_key, rows_of

KEPT, KEPT_OCTETS = 1000, 1024 * 1024
"""The number and octets of differences that are kept to be shown; all are counted."""


class Difference(msgspec.Struct, frozen=True):
    """A row that differs from the log. `stored` or `folded` is None when the row is missing on that side."""

    table: str
    key: tuple[Any, ...]
    stored: tuple[Any, ...] | None
    folded: tuple[Any, ...] | None


class VerifyResult(msgspec.Struct, frozen=True):
    """The result of a verification. `different` counts all differences, `differences` has the first of them."""

    events: int
    rows: int
    differences: tuple[Difference, ...]
    different: int

    @property
    def equal(self) -> bool:
        """Whether every row agrees with the log."""
        return not self.different


class _Differences:
    """Counts differences and keeps the first of them."""

    def __init__(self) -> None:
        self.kept: list[Difference] = []
        self.count = 0
        self._octets = 0

    def add(self, difference: Difference) -> None:
        """Add a difference."""
        self.count += 1
        if len(self.kept) < KEPT and self._octets < KEPT_OCTETS:
            self.kept.append(difference)
            self._octets += octets_of(difference.stored or ()) + octets_of(difference.folded or ())


def _pass_over(_difference: Difference) -> None:
    """Ignore a difference, when only the count matters."""


def compare(
    reader: StreamReader,
    folded: StreamReader,
    tables: Sequence[sqlalchemy.Table],
    events: int,
    report: Callable[[Difference], None] = _pass_over,
) -> VerifyResult:
    """Compare every row of these tables.

    `report` gets each difference, including those that the result only counts.
    """
    rows, differences = 0, _Differences()
    for table in tables:
        counted = _Counted(rows_of(folded, table))
        for difference in _differences(table, rows_of(reader, table), counted):
            differences.add(difference)
            report(difference)
        rows += counted.count
    return VerifyResult(events, rows, tuple(differences.kept), differences.count)


def make_equal(connection: Connection, folded: Reader, table: sqlalchemy.Table, key: Row) -> tuple[Set[Row], int]:
    """Replace a stored row that differs by the computed one, within the writer's transaction.

    Returns the keys of other rows that were deleted because they wrongly held a unique value of it, and the octets of
    the compared rows.
    """
    stored, right = row_of_key(connection, table, key), row_of_key(folded, table, key)
    octets = octets_of(stored or ()) + octets_of(right or ())
    if stored == right:
        return set(), octets
    if stored is not None:
        delete(connection, table, key)
    if right is None:
        return set(), octets
    rivals = _rivals(connection, table, right)
    for rival in rivals:
        delete(connection, table, rival)
    insert(connection, table, [right])
    return rivals, octets


def _rivals(reader: Reader, table: sqlalchemy.Table, row: Row) -> set[Row]:
    """The keys of the rows that hold a value which a unique index reserves for this row."""
    rivals: set[Row] = set()
    for sql, positions in _unique_indexes(table):
        rivals.update(reader.all(sql, [row[position] for position in positions]))
    return rivals


@lru_cache(maxsize=128)
def _unique_indexes(table: sqlalchemy.Table) -> list[tuple[str, list[int]]]:
    """For each unique index a query for the keys of rows with given values, and the places of these values in a row."""
    keys, names = ", ".join(key_names(table)), table.columns.keys()
    unique = [[column.name for column in index.columns] for index in table.indexes if index.unique]
    return [
        (
            f"SELECT {keys} FROM {table.name} WHERE {' AND '.join(f'{name} = ?' for name in columns)}",  # noqa: S608
            [names.index(name) for name in columns],
        )
        for columns in unique
    ]


def _differences(
    table: sqlalchemy.Table, stored: Iterable[Row], folded: Iterable[Row]
) -> Generator[Difference, None, None]:
    """The differences; both sides must be in the order of their keys."""
    key_of = _KeyOf(key_positions(table))
    left, right = iter(stored), iter(folded)
    left_row, right_row = next(left, None), next(right, None)
    while left_row is not None or right_row is not None:
        if right_row is None or (left_row is not None and key_of(left_row) < key_of(right_row)):
            assert left_row is not None
            yield Difference(table.name, key_of(left_row), left_row, None)
            left_row = next(left, None)
        elif left_row is None or key_of(right_row) < key_of(left_row):
            yield Difference(table.name, key_of(right_row), None, right_row)
            right_row = next(right, None)
        else:
            if left_row != right_row:
                yield Difference(table.name, key_of(left_row), left_row, right_row)
            left_row, right_row = next(left, None), next(right, None)


class _KeyOf:
    """Takes the key from a row."""

    def __init__(self, positions: Sequence[int]) -> None:
        self._positions = positions

    def __call__(self, row: Row) -> Row:
        return tuple(row[position] for position in self._positions)


class _Counted:
    """Rows that are counted while they are read."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row
