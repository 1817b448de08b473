"""Serves the IndexUpkeep contract."""

from __future__ import annotations

from typing import Any

from services.indexer.domain.engine import IndexUnavailable
from services.indexer.handlers.failures import AttachmentFailures
from services.indexer.handlers.generation import WorkingGeneration
from services.indexer.handlers.generations import Generations
from services.indexer.handlers.index_report import disk_octets, octets_elsewhere, report_of
from shared.grpc.errors import Invalid, NotNow, Unavailable
from shared.rpc.mailfold.indexer.v1 import upkeep_pb2 as pb
from shared.rpc.mailfold.indexer.v1.upkeep_pb2_grpc import IndexUpkeepServicer

_FAILURES = 1000


class IndexUpkeepEndpoint(IndexUpkeepServicer):
    """Answers the operator."""

    def __init__(self, generations: Generations, failures: AttachmentFailures) -> None:
        self._generations = generations
        self._failures = failures

    async def ShowIndex(self, request: pb.ShowIndexRequest, context: Any) -> pb.IndexReport:
        report = pb.IndexReport(is_off=self._generations.is_off, extractor=self._failures.version)
        report.extracted_octets = await self._failures.octets()
        for working in self._generations.all():
            octets = await disk_octets(self._generations, working)
            try:
                octets += await octets_elsewhere(working)
            except IndexUnavailable as error:
                report.engine_trouble = str(error)
            try:
                report.generations.append(await report_of(working, octets))
            except IndexUnavailable as error:
                report.engine_trouble = str(error)
        serving = self._generations.serving
        if request.account and serving is not None:
            report.account.CopyFrom(await _account(serving, request.account))
        return report

    async def ListFailures(self, request: pb.ListFailuresRequest, context: Any) -> pb.ExtractionFailures:
        limit = min(request.limit or _FAILURES, _FAILURES)
        return pb.ExtractionFailures(
            failures=await self._failures.listed(limit, (request.after_blob, request.after_path))
        )

    async def RetryFailures(self, request: pb.RetryFailuresRequest, context: Any) -> pb.RetriedFailures:
        return pb.RetriedFailures(attachments=await self._failures.retry(request.blob))

    async def RebuildIndex(self, request: pb.RebuildIndexRequest, context: Any) -> pb.IndexGeneration:
        if self._generations.is_off:
            raise NotNow("the text index is switched off (index.engine)", "OFF")
        if request.engine not in ("", self._generations.engine):
            raise Invalid(f"index.engine names {self._generations.engine}; set it and apply the settings")
        generation = await self._generations.rebuild()
        return pb.IndexGeneration(number=generation.number, engine=generation.engine, began=generation.began)

    async def CompareIndex(self, request: pb.CompareIndexRequest, context: Any) -> pb.ComparedAccounts:
        serving = self._generations.serving
        if serving is None:
            raise NotNow("the text index is switched off (index.engine)", "OFF")
        if request.account:
            await serving.changes.note_accounts([request.account])
            return pb.ComparedAccounts(accounts=1)
        try:
            return pb.ComparedAccounts(accounts=await serving.changes.note_all_accounts())
        except IndexUnavailable as error:
            raise Unavailable(str(error)) from error


async def _account(working: WorkingGeneration, account: str) -> pb.AccountIndex:
    try:
        state = await working.engine.state(account)
    except IndexUnavailable as error:
        raise Unavailable(str(error)) from error
    return pb.AccountIndex(
        account=account,
        documents=state.documents,
        places=state.places,
        unread=state.unread,
        awaiting=state.awaiting,
        octets=state.octets,
        text_octets=state.text_octets,
    )
