"""Serves the Bulk contract: imports, the export, histories and reverts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from services.directory.domain.histories import HistoryStep
from services.directory.domain.state import DirectoryRefused
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.exports import exported
from services.directory.handlers.histories import event_at, history, is_setting, named, names_for
from services.directory.handlers.imports import Imports, ImportState
from services.directory.handlers.reverting import RevertedPage, Reverting
from services.directory.handlers.settings import SettingCommands
from services.directory.handlers.trials import Trials
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.rpc.mailfold.directory.v1 import bulk_pb2 as pb
from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkServicer

_A_PAGE, _PAGE_OCTETS = 200, 512 * 1024
_LAST = 1 << 62


class BulkCommands(NamedTuple):
    """The commands of this contract."""

    imports: Imports
    reverting: Reverting
    trials: Trials
    settings: SettingCommands


class BulkEndpoint(StoreEndpoint, BulkServicer):
    """The methods of the contract."""

    def __init__(self, store: EventStore, commands: BulkCommands) -> None:
        super().__init__(store)
        self._imports = commands.imports
        self._reverting = commands.reverting
        self._trials = commands.trials
        self._settings = commands.settings

    async def BeginImport(self, request: pb.BeginImportRequest, context: Any) -> pb.Import:
        with as_contract_errors():
            return _import(await self._imports.begin(request.digest, request.trial, current_provenance()))

    async def ImportLines(self, request: pb.ImportLinesRequest, context: Any) -> pb.ImportLinesReply:
        lines = [(line.number, line.json) for line in request.lines]
        with as_contract_errors():
            outcome = await self._imports.carry_out(request.id, request.trial, lines, current_provenance())
        mistakes = [pb.ImportMistake(number=at, reason=reason, text=text) for at, reason, text in outcome.mistakes]
        return pb.ImportLinesReply(added=outcome.added, present=outcome.present, mistakes=mistakes)

    async def EndImport(self, request: pb.EndImportRequest, context: Any) -> pb.Import:
        with as_contract_errors():
            return _import(await self._imports.end(request.id, request.trial, request.refused, current_provenance()))

    async def ListImports(self, request: pb.ListImportsRequest, context: Any) -> pb.ImportList:
        return pb.ImportList(imports=map(_import, await self._imports.all()))

    async def ExportDirectory(self, request: pb.ExportRequest, context: Any) -> AsyncIterator[pb.ExportPage]:
        async for lines in exported(self._store):
            yield pb.ExportPage(lines=lines)
            await asyncio.sleep(0)

    async def ShowHistory(self, request: pb.HistoryRequest, context: Any) -> AsyncIterator[pb.HistoryPage]:
        with as_contract_errors():
            steps, names = await self._store.read_long(lambda reader: _named_history(reader, request))
        page, octets = pb.HistoryPage(), 0
        for step in steps:
            page.changes.append(_change(step, names))
            octets += page.changes[-1].ByteSize()
            if len(page.changes) == _A_PAGE or octets > _PAGE_OCTETS:
                yield page
                page, octets = pb.HistoryPage(), 0
                await asyncio.sleep(0)
        yield page

    async def RevertChange(self, request: pb.RevertChangeRequest, context: Any) -> pb.RecordedChange:
        recorded = await self._read(lambda reader: event_at(reader, request.number))
        if is_setting(recorded):
            with as_contract_errors():
                await self._settings.revert(recorded, current_provenance())
            return _change(HistoryStep(recorded, {}, {}, {}))
        provenance = current_provenance()
        with as_contract_errors():
            return _change(
                await self._store.write(lambda tx: self._reverting.revert(tx, request.number, provenance), long=True)
            )

    async def RevertCommand(self, request: pb.RevertCommandRequest, context: Any) -> AsyncIterator[pb.RevertProgress]:
        provenance, command = current_provenance(), request.command

        def revert(before: int) -> Awaitable[RevertedPage]:
            work = partial(self._reverting.revert_some, command=command, before=before, provenance=provenance)
            return self._store.write(work, long=True)

        if not request.trial:
            async for page in _pages(command, revert):
                yield page
            return
        with as_contract_errors():
            await self._trials.begin(provenance.command, command or " ")
        try:
            trial = partial(self._trials.revert_some, provenance.command, command, provenance=provenance)
            async for page in _pages(command, trial):
                yield page
        finally:
            await self._trials.end(provenance.command)


async def _pages(command: str, revert: Callable[[int], Awaitable[RevertedPage]]) -> AsyncIterator[pb.RevertProgress]:
    """Revert the changes of a command page by page; the function gets the number before which a page begins."""
    before = _LAST
    while before:
        with as_contract_errors():
            page = await revert(before)
            if before == _LAST and not page.reverted and not page.refusals and not page.before:
                raise DirectoryRefused("missing", f"no change has the command {command[:40]}")
        yield _progress(page)
        before = page.before


def _import(state: ImportState) -> pb.Import:
    return pb.Import(
        id=state.id,
        continued=state.continued,
        ended=bool(state.ended_at),
        begun_at=state.begun_at,
        ended_at=state.ended_at,
        objects=state.objects,
        refused=state.refused,
    )


def _named_history(reader: Reader, request: pb.HistoryRequest) -> tuple[list[HistoryStep], dict[str, str]]:
    steps = history(reader, request.kind, request.name)
    return steps, names_for(reader, steps)


def _change(step: HistoryStep, names: Mapping[str, str] = MappingProxyType({})) -> pb.RecordedChange:
    recorded, actor = step.recorded, step.recorded.provenance.actor
    return pb.RecordedChange(
        number=recorded.position,
        at=recorded.at,
        actor=" ".join(filter(None, (actor.kind, actor.id, actor.address))),
        command=recorded.provenance.command,
        type=recorded.event.stored_name,
        object=recorded.stream,
        before={name: named(text, names) for name, text in step.shown(step.before).items()},
        after={name: named(text, names) for name, text in step.shown(step.after).items()},
    )


def _progress(page: RevertedPage) -> pb.RevertProgress:
    refusals = [pb.RevertRefusal(change=_change(step), text=text) for step, text in page.refusals]
    return pb.RevertProgress(reverted=page.reverted, refusals=refusals)
