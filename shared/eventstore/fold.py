"""Folding the log again: the proof that every projection is what its events say, and the cure when it is not.

A fold reads snapshots and events in the order they were written and applies them to scratch tables in memory. Rows are
then compared one by one under their primary keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy

from shared.eventstore.connection import Connection, Reader
from shared.eventstore.event import Recorded
from shared.eventstore.scratch import apply_all, insert, key_names, keyed, pages, scratch, tables_of
from shared.eventstore.snapshot import SNAPSHOT_COLUMNS, snapshot_from
from shared.eventstore.transaction import COLUMNS, Projection, recorded_from
from shared.shards import SHARDS

_PAGE = 2000
_KNOW = (
    "INSERT INTO projection (name, version) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version"
)
Progress = Callable[[int], None]


class Difference(msgspec.Struct, frozen=True):
    """One row that is not what the log says. `stored` or `folded` is None where the row is missing on that side."""

    table: str
    key: tuple[Any, ...]
    stored: tuple[Any, ...] | None
    folded: tuple[Any, ...] | None


class Verdict(msgspec.Struct, frozen=True):
    """What a verification found."""

    events: int
    rows: int
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether every row is what the log says."""
        return not self.differences


def no_progress(_count: int) -> None:
    """For folds that nobody watches."""


def history(reader: Reader) -> Iterator[Recorded]:
    """Everything the log holds: each shard's snapshots and events by position."""
    for shard in range(SHARDS):
        rows = reader.all(f"SELECT {SNAPSHOT_COLUMNS} FROM snapshot WHERE shard = ? ORDER BY position", (shard,))  # noqa: S608
        yield from _merged([snapshot_from(row) for row in rows], _events(reader, shard))


def verify(reader: Reader, projections: Sequence[Projection], progress: Progress = no_progress) -> Verdict:
    """Compare every row of every projection with a fresh fold. `reader` must see one state throughout: call it inside a
    transaction.
    """
    with scratch(projections) as folded:
        events = _fold(folded, history(reader), projections, progress)
        compared = [_compare(reader, folded, table) for table in tables_of(projections)]
    return Verdict(
        events, sum(rows for rows, _ in compared), tuple(one for _, differences in compared for one in differences)
    )


def mend(connection: Connection, differences: Iterable[Difference], projections: Sequence[Projection]) -> int:
    """Put the folded rows in the place of the stored ones, inside the writer's transaction; the number of rows mended."""
    tables = {table.name: table for table in tables_of(projections)}
    found = list(differences)
    # First everything goes that is wrong, then comes what is right: two rows may have swapped what an index holds
    # unique.
    for difference in found:
        if difference.stored is not None:
            where = " AND ".join(f"{column} = ?" for column in key_names(tables[difference.table]))
            connection.execute(f"DELETE FROM {difference.table} WHERE {where}", difference.key)  # noqa: S608
    for difference in found:
        if difference.folded is not None:
            insert(connection, tables[difference.table], [difference.folded])
    return len(found)


def rebuild(connection: Connection, projections: Sequence[Projection], progress: Progress = no_progress) -> int:
    """Empty the projections and fold the log into them anew, inside the writer's transaction; the number of events."""
    with scratch(projections) as folded:
        events = _fold(folded, history(connection), projections, progress)
        for table in tables_of(projections):
            connection.execute(f"DELETE FROM {table.name}")  # noqa: S608
            for page in pages(folded, table):
                insert(connection, table, page)
    return events


def refold_outdated(
    connection: Connection, projections: Sequence[Projection], progress: Progress = no_progress
) -> None:
    """At a start: fold those projections anew whose version is not the stored one."""
    known: dict[str, int] = dict(connection.all("SELECT name, version FROM projection"))
    outdated = [one for one in projections if known.get(one.name) != one.version]
    if not outdated:
        return
    connection.begin()
    if connection.one("SELECT 1 FROM event LIMIT 1") or connection.one("SELECT 1 FROM snapshot LIMIT 1"):
        rebuild(connection, outdated, progress)
    for one in outdated:
        connection.execute(_KNOW, (one.name, one.version))
    connection.commit()


def _fold(
    scratch_tables: Connection, events: Iterable[Recorded], projections: Sequence[Projection], progress: Progress
) -> int:
    count = 0
    for count in apply_all(scratch_tables, events, projections):
        if count % 1000 == 0:
            progress(count)
    progress(count)
    return count


def _events(reader: Reader, shard: int) -> Iterator[Recorded]:
    after = 0
    while True:
        sql = f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position > ? ORDER BY position LIMIT {_PAGE}"  # noqa: S608
        rows = reader.all(sql, (shard, after))
        for row in rows:
            yield recorded_from(row)
        if len(rows) < _PAGE:
            return
        after = rows[-1][1]


def _merged(snapshots: list[Recorded], events: Iterator[Recorded]) -> Iterator[Recorded]:
    waiting = iter(snapshots)
    snapshot = next(waiting, None)
    for event in events:
        while snapshot is not None and snapshot.position <= event.position:
            yield snapshot
            snapshot = next(waiting, None)
        yield event
    if snapshot is not None:
        yield snapshot
    yield from waiting


def _compare(reader: Reader, folded_tables: Reader, table: sqlalchemy.Table) -> tuple[int, list[Difference]]:
    # Two dictionaries instead of a merge: text sorts differently in PostgreSQL's and SQLite's collations.
    stored, folded = keyed(reader, table), keyed(folded_tables, table)
    keys = [key for key in {**stored, **folded} if stored.get(key) != folded.get(key)]
    return len(folded), [Difference(table.name, key, stored.get(key), folded.get(key)) for key in keys]
