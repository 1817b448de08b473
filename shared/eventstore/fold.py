"""Computes projections from the log again, to verify or correct the stored rows.

A fold reads snapshots and events in the order in which they were written, and applies them to scratch tables in a file.
Then the rows are compared in the order of their primary keys. The memory does not grow with the store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path

import sqlalchemy

from shared.eventstore.comparison import VerifyResult, compare
from shared.eventstore.connection import Connection, Reader, StreamReader
from shared.eventstore.event import Recorded
from shared.eventstore.scratch import apply_all, insert, rows_of, scratch, tables_of
from shared.eventstore.snapshot import SNAPSHOT_COLUMNS, snapshot_from
from shared.eventstore.transaction import COLUMNS, Heads, Projection, recorded_from
from shared.ids import SHARDS

_KNOW = (
    "INSERT INTO projection (name, version) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version"
)
_EVERY = 1000
Progress = Callable[[int], None]


def no_progress(_count: int) -> None:
    """A progress function that does nothing."""


class LogCompacted(Exception):
    """Events that were not folded yet are in snapshots now, so the fold must begin anew."""


class Fold:
    """Projections computed again, beside the stored ones. It must be closed.

    `read` may be called with one state of the database beside the running writer, and then `catch_up` with later
    states.
    """

    def __init__(
        self, projections: Sequence[Projection], folder: Path | None, progress: Progress = no_progress
    ) -> None:
        self.projections = tuple(projections)
        """The projections to apply to further events."""
        self._progress = progress
        self._stack = contextlib.ExitStack()
        self.tables: Connection = self._stack.enter_context(scratch(projections, folder))
        """The tables with the computed rows."""
        self._reached = [0] * SHARDS
        self.events = 0
        """The number of events that were applied."""

    def close(self) -> None:
        """Close the scratch tables."""
        self._stack.close()

    def read(self, reader: StreamReader) -> None:
        """Apply the whole log. `reader` must see one state throughout, so call it within a transaction."""
        self._reached = _heads(reader)
        self._apply(history(reader))

    def behind(self, reader: Reader) -> int:
        """The number of events written since."""
        return sum(_heads(reader)) - sum(self._reached)

    def catch_up(self, reader: StreamReader) -> None:
        """Apply the events written since, with one state like `read`. Raises LogCompacted."""
        self._apply(self._since(reader))

    def _since(self, reader: StreamReader) -> Iterator[Recorded]:
        """The new events. The positions of a shard have gaps only where events were folded into snapshots."""
        for shard, head in enumerate(_heads(reader)):
            if head == self._reached[shard]:
                continue
            for event in events_of(reader, shard, self._reached[shard]):
                if event.position != self._reached[shard] + 1:
                    raise LogCompacted
                self._reached[shard] = event.position
                yield event
            if head != self._reached[shard]:
                raise LogCompacted

    def _apply(self, events: Iterable[Recorded]) -> None:
        before = self.events
        for count in apply_all(self.tables, events, self.projections):
            self.events = before + count
            if self.events % _EVERY == 0:
                self._progress(self.events)
        self._progress(self.events)


def _heads(reader: Reader) -> list[int]:
    heads = Heads()
    heads.load(reader)
    return heads.positions


def history(reader: StreamReader) -> Iterator[Recorded]:
    """The whole log: the snapshots and events of each shard by position."""
    sql = f"SELECT {SNAPSHOT_COLUMNS} FROM snapshot WHERE shard = ? ORDER BY position"  # noqa: S608
    for shard in range(SHARDS):
        snapshots = map(snapshot_from, reader.stream(sql, (shard,)))
        yield from merge(snapshots, events_of(reader, shard, 0), key=lambda recorded: recorded.position)


def events_of(reader: StreamReader, shard: int, after: int) -> Iterator[Recorded]:
    """The events of a shard after a position."""
    sql = f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position > ? ORDER BY position"  # noqa: S608
    return map(recorded_from, reader.stream(sql, (shard, after)))


def verify(
    reader: StreamReader,
    projections: Sequence[Projection],
    folder: Path | None = None,
    progress: Progress = no_progress,
) -> VerifyResult:
    """Compare every row of every projection with a new fold.

    `reader` must see one state throughout, so call it within a transaction.
    """
    with contextlib.closing(Fold(projections, folder, progress)) as fold:
        fold.read(reader)
        return compare(reader, fold.tables, tables_of(projections), fold.events)


def replace(connection: Connection, projections: Sequence[Projection], fold: Fold) -> None:
    """Replace all rows of some projections by the computed ones, within the writer's transaction."""
    for table in tables_of(projections):
        connection.execute(f"DELETE FROM {table.name}")  # noqa: S608
        insert(connection, table, rows_of(fold.tables, table))


def versions(reader: Reader) -> Mapping[str, int]:
    """The version of each projection whose rows the store has, by its name."""
    return dict(reader.all("SELECT name, version FROM projection"))


def tables_of_another_version(reader: Reader, projections: Sequence[Projection]) -> Sequence[sqlalchemy.Table]:
    """The tables of projections that another release has filled, whose columns may differ."""
    known = versions(reader)
    return tables_of([made for made in projections if known.get(made.name, made.version) != made.version])


def refold_outdated(
    connection: Connection,
    projections: Sequence[Projection],
    folder: Path | None = None,
    progress: Progress = no_progress,
) -> None:
    """At a start, compute those projections again whose stored version is not the present one."""
    known = versions(connection)
    outdated = [projection for projection in projections if known.get(projection.name) != projection.version]
    if not outdated:
        return
    connection.begin()
    if connection.first_row("SELECT 1 FROM event LIMIT 1") or connection.first_row("SELECT 1 FROM snapshot LIMIT 1"):
        with contextlib.closing(Fold(outdated, folder, progress)) as fold:
            fold.read(connection)
            replace(connection, outdated, fold)
    for projection in outdated:
        connection.execute(_KNOW, (projection.name, projection.version))
    connection.commit()
