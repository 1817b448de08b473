"""Stored rows beside folded ones: what differs, how much of it, and how it is put right."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy

from shared.eventstore.connection import Connection, Row, StreamReader
from shared.eventstore.scratch import insert, key_positions, octets_of, row_of_key, rows_of, tables_of, where_key
from shared.eventstore.transaction import Projection

KEPT, KEPT_OCTETS = 1000, 1024 * 1024
"""Differences of a verdict that are kept to be shown; all are counted."""
MENDED_BY_ROW = 10_000
"""Rows of a table that are mended one by one; with more the whole table is written anew."""


class Difference(msgspec.Struct, frozen=True):
    """One row that is not what the log says. `stored` or `folded` is None where the row is missing on that side."""

    table: str
    key: tuple[Any, ...]
    stored: tuple[Any, ...] | None
    folded: tuple[Any, ...] | None


class VerifyResult(msgspec.Struct, frozen=True):
    """What a verification found. `different` counts all that differ, `differences` has the first of them."""

    events: int
    rows: int
    differences: tuple[Difference, ...]
    different: int

    @property
    def equal(self) -> bool:
        """Whether every row is what the log says."""
        return not self.different


class _Differences:
    """Differences, the first of them kept."""

    def __init__(self) -> None:
        self.kept: list[Difference] = []
        self.count = 0
        self._octets = 0

    def add(self, difference: Difference) -> None:
        """One more."""
        self.count += 1
        if len(self.kept) < KEPT and self._octets < KEPT_OCTETS:
            self.kept.append(difference)
            self._octets += octets_of(difference.stored or ()) + octets_of(difference.folded or ())


def compare(
    reader: StreamReader, folded: StreamReader, tables: Sequence[sqlalchemy.Table], events: int
) -> VerifyResult:
    """Every row of these tables beside the folded one."""
    rows, differences = 0, _Differences()
    for table in tables:
        counted = _Counted(rows_of(folded, table))
        for difference in _differences(table, rows_of(reader, table), counted):
            differences.add(difference)
        rows += counted.count
    return VerifyResult(events, rows, tuple(differences.kept), differences.count)


def mend(connection: Connection, folded: StreamReader, projections: Sequence[Projection]) -> None:
    """Put the folded rows in the place of those that differ, inside the writer's transaction."""
    for table in tables_of(projections):
        differences = _differences(table, rows_of(connection, table), rows_of(folded, table))
        # Keys alone, and all before anything is changed: a table must not change under its reader.
        with contextlib.closing(differences):
            changes = [
                (difference.key, difference.stored is not None, difference.folded is not None)
                for difference in islice(differences, MENDED_BY_ROW + 1)
            ]
        if len(changes) > MENDED_BY_ROW:
            connection.execute(f"DELETE FROM {table.name}")  # noqa: S608
            insert(connection, table, rows_of(folded, table))
        else:
            _mend_rows(connection, folded, table, changes)


def _mend_rows(
    connection: Connection, folded: StreamReader, table: sqlalchemy.Table, changes: Sequence[tuple[Row, bool, bool]]
) -> None:
    # First everything goes that is wrong, then comes what is right: two rows may have swapped what an index holds
    # unique.
    for key, is_stored, _ in changes:
        if is_stored:
            connection.execute(f"DELETE FROM {table.name} WHERE {where_key(table)}", key)  # noqa: S608
    right = (row_of_key(folded, table, key) for key, _, is_folded in changes if is_folded)
    insert(connection, table, (row for row in right if row is not None))


def _differences(
    table: sqlalchemy.Table, stored: Iterable[Row], folded: Iterable[Row]
) -> Generator[Difference, None, None]:
    """Both sides come in the order of their keys."""
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
    """Takes the key out of a row."""

    def __init__(self, positions: Sequence[int]) -> None:
        self._positions = positions

    def __call__(self, row: Row) -> Row:
        return tuple(row[position] for position in self._positions)


class _Counted:
    """Rows, counted as they go by."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row
