"""Serves the Bulk contract: imports, the export, histories and reverts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from services.directory.domain.histories import HistoryStep
from services.directory.domain.state import DirectoryRefused
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.exports import exported
from services.directory.handlers.histories import event_at, history, is_setting
from services.directory.handlers.imports import Imports, ImportState
from services.directory.handlers.reverting import RevertedPage, Reverting
from services.directory.handlers.settings import SettingCommands
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.rpc.mailfold.directory.v1 import bulk_pb2 as pb
from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkServicer

_A_PAGE = 200
_LAST = 1 << 62


class BulkCommands(NamedTuple):
    """The commands of this contract."""

    imports: Imports
    reverting: Reverting
    settings: SettingCommands


class BulkEndpoint(StoreEndpoint, BulkServicer):
    """The methods of the contract."""

    def __init__(self, store: EventStore, commands: BulkCommands) -> None:
        super().__init__(store)
        self._imports = commands.imports
        self._reverting = commands.reverting
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
            steps = await self._store.read_long(lambda reader: history(reader, request.kind, request.name))
        for first in range(0, len(steps), _A_PAGE):
            yield pb.HistoryPage(changes=map(_change, steps[first : first + _A_PAGE]))
            await asyncio.sleep(0)

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
        provenance, before = current_provenance(), _LAST
        while before:
            with as_contract_errors():
                page = await self._reverted(request.command, before, trial=request.trial, provenance=provenance)
            if before == _LAST and not page.reverted and not page.refusals and not page.before:
                with as_contract_errors():
                    raise DirectoryRefused("missing", f"no change has the command {request.command[:40]}")
            yield _progress(page)
            before = page.before

    async def _reverted(self, command: str, before: int, *, trial: bool, provenance: Any) -> RevertedPage:
        if trial:
            return await self._store.read_long(lambda reader: self._reverting.try_some(reader, command, before))
        return await self._store.write(
            lambda tx: self._reverting.revert_some(tx, command, before, provenance), long=True
        )


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


def _change(step: HistoryStep) -> pb.RecordedChange:
    recorded, actor = step.recorded, step.recorded.provenance.actor
    return pb.RecordedChange(
        number=recorded.position,
        at=recorded.at,
        actor=" ".join(filter(None, (actor.kind, actor.id, actor.address))),
        command=recorded.provenance.command,
        type=recorded.event.stored_name,
        object=recorded.stream,
        before=step.shown(step.before),
        after=step.shown(step.after),
    )


def _progress(page: RevertedPage) -> pb.RevertProgress:
    refusals = [pb.RevertRefusal(change=_change(step), text=text) for step, text in page.refusals]
    return pb.RevertProgress(reverted=page.reverted, refusals=refusals)
