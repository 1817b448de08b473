"""Trials of imports and reverts: the same decisions, on a copy of the rows that is thrown away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import NamedTuple

from services.directory.domain.bulk_lines import PreparedLine
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers.book import CurrentBook, read_book
from services.directory.handlers.bulk_kinds import BulkKinds, UnitOutcome
from services.directory.handlers.reverting import RevertedPage, Reverting
from services.directory.handlers.trial_log import append_to_log, copy_log
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
        recorded = self._recorded(stream, events, provenance, self._clock.now())
        for appended in recorded:
            for projection in self._projections:
                projection.apply(self.connection, appended)
        self.appended += recorded
        return recorded

    def _recorded(self, stream: str, events: Iterable[Event], provenance: Provenance, now: int) -> list[Recorded]:
        return [Recorded(0, 0, stream, 0, now, provenance, event) for event in events]


class LoggedTransaction(TrialTransaction):
    """A unit of work of a trial that has a log of its own."""

    def _recorded(self, stream: str, events: Iterable[Event], provenance: Provenance, now: int) -> list[Recorded]:
        return append_to_log(self, stream, events, provenance, now)


class TrialParts(NamedTuple):
    """What decides in a trial, made for its address book."""

    kinds: BulkKinds
    reverting: Reverting


class _Trial:
    """One trial. Its methods run on threads, one after the other."""

    def __init__(self, store: EventStore, clock: Clock, make: Callable[[CurrentBook], TrialParts]) -> None:
        self._store = store
        self._clock = clock
        self._stack = contextlib.ExitStack()
        self._rows = self._stack.enter_context(scratch(store.projections, store.backend.folder))
        self._current = CurrentBook()
        self._parts = make(self._current)
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
        outcome = self._parts.kinds.carry_out(tx, unit, provenance)
        self._current.follow(tx.appended)
        return outcome

    def copy_for(self, reader: Connection, command: str) -> None:
        """Copy all rows, and the log of what a command changed."""
        self.copy(reader)
        copy_log(reader, self._rows, command)

    def revert_some(self, command: str, before: int, provenance: Provenance) -> RevertedPage:
        """Revert the newest changes of a command before a number."""
        tx = LoggedTransaction(self._rows, Heads(), self._store.projections, self._clock)
        page = self._parts.reverting.revert_some(tx, command, before, provenance)
        self._current.follow(tx.appended)
        return page

    def close(self) -> None:
        """Throw the copy away."""
        self._stack.close()


class Trials:
    """The trials that are running."""

    def __init__(self, store: EventStore, clock: Clock, make: Callable[[CurrentBook], TrialParts]) -> None:
        self._store = store
        self._clock = clock
        self._make = make
        self._running: dict[str, _Trial] = {}

    async def begin(self, identity: str, command: str = "") -> None:
        """Begin the trial of an import, or of the revert of a command. Raises DirectoryRefused for too many."""
        for left in [name for name, trial in self._running.items() if trial.used < monotonic() - IDLE_SECONDS]:
            await self.end(left)
        if len(self._running) >= MOST_TRIALS:
            raise DirectoryRefused("not-empty", f"{MOST_TRIALS} dry runs are running already; try again later")
        trial = self._running[identity] = _Trial(self._store, self._clock, self._make)
        try:
            async with trial.lock:
                copy = partial(trial.copy_for, command=command) if command else trial.copy
                await self._store.read_snapshot(copy)
        except BaseException:
            del self._running[identity]
            trial.close()
            raise

    async def carry_out(self, identity: str, unit: Sequence[PreparedLine], provenance: Provenance) -> UnitOutcome:
        """Carry out a unit of work of a trial. Raises DirectoryRefused when the trial has ended."""
        trial = self._of(identity)
        async with trial.lock:
            trial.used = monotonic()
            return await asyncio.to_thread(trial.carry_out, unit, provenance)

    async def revert_some(self, identity: str, command: str, before: int, provenance: Provenance) -> RevertedPage:
        """Revert some changes of a command in its trial. Raises DirectoryRefused when the trial has ended."""
        trial = self._of(identity)
        async with trial.lock:
            trial.used = monotonic()
            return await asyncio.to_thread(trial.revert_some, command, before, provenance)

    def _of(self, identity: str) -> _Trial:
        trial = self._running.get(identity)
        if trial is None:
            raise DirectoryRefused("missing", "this dry run has ended, for the server was started again: repeat it")
        return trial

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
