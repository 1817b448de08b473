"""Imports: a file's lines in pages, each of some units of work, all with the command id of the import."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from services.directory.domain.bulk_lines import LineMistake, PreparedLine, units
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers.bulk_kinds import BulkKinds, UnitOutcome
from services.directory.handlers.commands import append
from services.directory.handlers.line_preparation import LinePreparation, Numbered
from services.directory.handlers.trials import Trials
from shared.events.bulk import ImportBegun, ImportEnded
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

PAGE_LINES, PAGE_OCTETS = 1_000, 2 * 1024 * 1024
"""Lines and octets of a page that one call brings."""
_LISTED = 100
_DIGEST_LIMIT = 128
_IMPORT = "SELECT id, begun_at, ended_at, objects, refused FROM directory_import"


class ImportState(msgspec.Struct, frozen=True):
    """An import."""

    id: str
    begun_at: int
    ended_at: int = 0
    """UTC microseconds; 0: it has not ended."""
    objects: int = 0
    refused: int = 0
    continued: bool = False


class Imports:
    """The commands of imports. `hashed` is a keyed hash of this installation."""

    def __init__(
        self,
        store: EventStore,
        kinds: BulkKinds,
        preparation: LinePreparation,
        trials: Trials,
        hashed: Callable[[str], str],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._preparation = preparation
        self._trials = trials
        self._hashed = hashed

    async def begin(self, digest: str, trial: bool, provenance: Provenance) -> ImportState:
        """Begin an import, or continue one of the same file that has not ended. Raises DirectoryRefused."""
        if trial:
            await self._trials.begin(provenance.command)
            return ImportState(provenance.command, 0)
        if not digest or len(digest) > _DIGEST_LIMIT:
            raise DirectoryRefused("invalid", "an import begins with the digest of its file")
        hashed = self._hashed(digest)
        return await self._store.write(lambda tx: _begin(tx, hashed, provenance))

    async def carry_out(self, identity: str, trial: bool, lines: Sequence[Numbered], actor: Provenance) -> UnitOutcome:
        """Import a page. Raises DirectoryRefused."""
        if len(lines) > PAGE_LINES or sum(len(octets) for _, octets in lines) > PAGE_OCTETS:
            raise DirectoryRefused("invalid", f"a page has at most {PAGE_LINES} lines and {PAGE_OCTETS} octets")
        if not trial:
            await self._store.read(lambda reader: _running(reader, identity))
        prepared, mistakes = await self._preparation.prepare(lines, trial=trial)
        added, present, provenance = 0, 0, msgspec.structs.replace(actor, command=identity)
        for unit in units(prepared):
            outcome = await self._unit(identity, trial, unit, provenance)
            added, present = added + outcome.added, present + outcome.present
            mistakes += outcome.mistakes
        return UnitOutcome(added, present, sorted(mistakes, key=_number))

    async def end(self, identity: str, trial: bool, refused: int, provenance: Provenance) -> ImportState:
        """End an import. Raises DirectoryRefused."""
        if trial:
            await self._trials.end(identity)
            return ImportState(identity, 0)
        objects = await self._store.read_long(lambda reader: _object_count(reader, identity))
        provenance = msgspec.structs.replace(provenance, command=identity)
        return await self._store.write(lambda tx: _end(tx, identity, objects, refused, provenance))

    async def all(self) -> list[ImportState]:
        """The last imports, the newest first."""
        sql = f"{_IMPORT} ORDER BY begun_at DESC LIMIT ?"
        return [_state(row) for row in await self._store.read(lambda reader: reader.all(sql, (_LISTED,)))]

    async def _unit(
        self, identity: str, trial: bool, unit: Sequence[PreparedLine], provenance: Provenance
    ) -> UnitOutcome:
        if trial:
            return await self._trials.carry_out(identity, unit, provenance)
        return await self._store.write(lambda tx: self._kinds.carry_out(tx, unit, provenance), long=True)


def _begin(tx: Transaction, digest: str, provenance: Provenance) -> ImportState:
    row = tx.first_row(f"{_IMPORT} WHERE digest = ? AND ended_at = 0 ORDER BY begun_at DESC", (digest,))
    if row is not None:
        return msgspec.structs.replace(_state(row), continued=row[0] != provenance.command)
    identity = provenance.command
    if not identity:
        raise DirectoryRefused("invalid", "an import needs a command id")
    append(tx, f"import:{identity}", [ImportBegun(identity, digest)], provenance)
    return _import(tx, identity)


def _end(tx: Transaction, identity: str, objects: int, refused: int, provenance: Provenance) -> ImportState:
    if not _import(tx, identity).ended_at:
        append(tx, f"import:{identity}", [ImportEnded(identity, objects, refused)], provenance)
    return _import(tx, identity)


def _running(reader: Reader, identity: str) -> None:
    if _import(reader, identity).ended_at:
        raise DirectoryRefused("not-empty", f"the import {identity} has ended")


def _import(reader: Reader, identity: str) -> ImportState:
    row = reader.first_row(f"{_IMPORT} WHERE id = ?", (identity,))
    if row is None:
        raise DirectoryRefused("missing", f"there is no import {identity[:40]}: `mailfold import list` shows them")
    return _state(row)


def _object_count(reader: Reader, identity: str) -> int:
    sql = "SELECT count(DISTINCT stream) FROM event WHERE command = ? AND command <> '' AND stream <> ?"
    row = reader.first_row(sql, (identity, f"import:{identity}"))
    return int(row[0]) if row else 0


def _state(row: Row) -> ImportState:
    return ImportState(*row)


def _number(mistake: LineMistake) -> int:
    return mistake.number
