"""Trials of imports: the same decisions, on a copy of the rows that is thrown away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

from services.directory.domain.bulk_lines import PreparedLine
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers.book import CurrentBook, read_book
from services.directory.handlers.bulk_kinds import BulkKinds, UnitOutcome
from shared.clock import Clock
from shared.eventstore.connection import Connection
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.scratch import insert, rows_of, scratch, tables_of
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Heads, Transaction

MOST_TRIALS = 2
IDLE_SECONDS = 600.0
"""A trial that its command has left is ended after this time."""


class TrialTransaction(Transaction):
    """A unit of work that changes scratch tables, and writes no event."""

    def append(
        self,
        stream: str,
        events: Iterable[Event],
        provenance: Provenance,
        *,
        expected: int | None = None,
        owner: str | None = None,
    ) -> list[Recorded]:
        """Apply events to the scratch tables."""
        now = self._clock.now()
        recorded = [Recorded(0, 0, stream, 0, now, provenance, event) for event in events]
        for appended in recorded:
            for projection in self._projections:
                projection.apply(self.connection, appended)
        self.appended += recorded
        return recorded


class _Trial:
    """One trial. Its methods run on threads, one after the other."""

    def __init__(self, store: EventStore, clock: Clock, make_kinds: Callable[[CurrentBook], BulkKinds]) -> None:
        self._store = store
        self._clock = clock
        self._stack = contextlib.ExitStack()
        self._rows = self._stack.enter_context(scratch(store.projections, store.backend.folder))
        self._current = CurrentBook()
        self._kinds = make_kinds(self._current)
        self.lock = asyncio.Lock()
        self.used = monotonic()

    def copy(self, reader: Connection) -> None:
        """Copy all rows."""
        for table in tables_of(self._store.projections):
            insert(self._rows, table, rows_of(reader, table))
        self._current.book = read_book(self._rows)

    def carry_out(self, unit: Sequence[PreparedLine], provenance: Provenance) -> UnitOutcome:
        """Carry out a unit of work."""
        tx = TrialTransaction(self._rows, Heads(), self._store.projections, self._clock)
        outcome = self._kinds.carry_out(tx, unit, provenance)
        self._current.follow(tx.appended)
        return outcome

    def close(self) -> None:
        """Throw the copy away."""
        self._stack.close()


class Trials:
    """The trials that are running."""

    def __init__(self, store: EventStore, clock: Clock, make_kinds: Callable[[CurrentBook], BulkKinds]) -> None:
        self._store = store
        self._clock = clock
        self._make_kinds = make_kinds
        self._running: dict[str, _Trial] = {}

    async def begin(self, identity: str) -> None:
        """Begin a trial. Raises DirectoryRefused when there are too many."""
        for left in [name for name, trial in self._running.items() if trial.used < monotonic() - IDLE_SECONDS]:
            await self.end(left)
        if len(self._running) >= MOST_TRIALS:
            raise DirectoryRefused("not-empty", f"{MOST_TRIALS} dry runs are running already; try again later")
        trial = self._running[identity] = _Trial(self._store, self._clock, self._make_kinds)
        try:
            async with trial.lock:
                await self._store.read_snapshot(trial.copy)
        except BaseException:
            del self._running[identity]
            trial.close()
            raise

    async def carry_out(self, identity: str, unit: Sequence[PreparedLine], provenance: Provenance) -> UnitOutcome:
        """Carry out a unit of work of a trial. Raises DirectoryRefused when the trial has ended."""
        trial = self._running.get(identity)
        if trial is None:
            raise DirectoryRefused("missing", "this dry run has ended, for the server was started again: repeat it")
        async with trial.lock:
            trial.used = monotonic()
            return await asyncio.to_thread(trial.carry_out, unit, provenance)

    async def end(self, identity: str) -> None:
        """End a trial; nothing happens when it has ended."""
        trial = self._running.pop(identity, None)
        if trial is not None:
            async with trial.lock:
                trial.close()

    async def close(self) -> None:
        """End all trials."""
        for identity in list(self._running):
            await self.end(identity)
