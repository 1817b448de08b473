"""An installation's directory in scratch tables, which takes the lines of an import and gives those of an export."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy

from services.directory.areas import PROJECTIONS
from services.directory.domain.bulk_lines import LineMistake, PreparedLine, parsed, units
from services.directory.domain.dkim import NewDomain
from services.directory.domain.line_kinds import AnyLine, DomainLine
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.bulk_kinds import BulkKinds
from services.directory.handlers.exports import exported
from services.directory.handlers.trials import TrialTransaction
from shared.clock import SystemClock
from shared.eventstore.connection import Connection, Reader
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.scratch import scratch, tables_of
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Heads
from shared.ids import IdKind, Ids
from shared.time_zones import is_time_zone

T = TypeVar("T")
_ROUNDS = 20


class ScratchDirectory:
    """The decisions and tables of the directory, without its log."""

    def __init__(self, rows: Connection, projections: Sequence[Any]) -> None:
        self.rows = rows
        self._projections = projections
        self._clock = SystemClock()
        self._ids = Ids(self._clock)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        for table in tables_of(self._projections):
            self.rows.execute(f"DELETE FROM {table.name}", ())
        self._current = CurrentBook()
        self._kinds = BulkKinds(self._current, self._clock, self._ids, is_time_zone)

    def import_lines(self, lines: Sequence[bytes]) -> list[LineMistake]:
        """Import lines in any order; returns the mistakes that are left."""
        waiting, mistakes = list(enumerate(lines, 1)), list[LineMistake]()
        for _ in range(_ROUNDS):
            outcomes = [self._carry_out(number, octets) for number, octets in waiting]
            refused = [mistake for outcome in outcomes for mistake in outcome]
            mistakes += [mistake for mistake in refused if mistake.reason != "missing"]
            missing = {mistake.number: mistake for mistake in refused if mistake.reason == "missing"}
            if len(missing) in (0, len(waiting)):
                return mistakes + list(missing.values())
            waiting = [(number, octets) for number, octets in waiting if number in missing]
        return mistakes + list(missing.values())

    async def export_lines(self) -> list[bytes]:
        """All lines."""
        return [line async for page in exported(cast(EventStore, self)) for line in page]

    async def read(self, query: Callable[[Reader], T]) -> T:
        """Answer a question, as a store does."""
        return query(self.rows)

    def _carry_out(self, number: int, octets: bytes) -> list[LineMistake]:
        provenance = Provenance(Actor("operator"), command="c1")
        mistakes = list[LineMistake]()
        for unit in units([self._prepared(number, parsed(octets), len(octets))]):
            tx = TrialTransaction(self.rows, Heads(), self._projections, self._clock)
            mistakes += self._kinds.carry_out(tx, unit, provenance).mistakes
            self._current.follow(tx.appended)
        return mistakes

    def _prepared(self, number: int, line: AnyLine, octets: int) -> PreparedLine:
        new = NewDomain(self._ids.new(IdKind.DOMAIN), ()) if isinstance(line, DomainLine) else None
        return PreparedLine(number, line, octets, getattr(line, "password_hash", ""), new)


@contextlib.contextmanager
def scratch_directory() -> Iterator[ScratchDirectory]:
    """An empty directory."""
    metadata = sqlalchemy.MetaData()
    projections = [made(metadata) for made in PROJECTIONS]
    with scratch(projections, None) as rows:
        yield ScratchDirectory(rows, projections)
