"""Verify, rebuild, dead letters and the report: the Owner contract, the same for every owning service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson

from shared.background import begin
from shared.eventstore.comparison import Difference, VerifyResult
from shared.eventstore.deadletters import DeadLetter, DeadLetters, NoSuchDeadLetter
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance
from shared.grpc.errors import NotFound
from shared.owner.health import Health
from shared.rpc.mailfold.owner.v1 import owner_pb2 as pb
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerServicer

Report = Callable[[], Awaitable[pb.ReportReply]]
ReferencedBlobs = Callable[[str], AsyncIterator[list[str]]]
_EVERY = 0.2


async def no_blobs(_generation: str) -> AsyncIterator[list[str]]:
    """The blobs of a service that keeps no blob ids."""
    return
    yield []


async def nothing_to_report() -> pb.ReportReply:
    """The report of a service without listeners and counts."""
    return pb.ReportReply()


class StoreOwner(OwnerServicer):
    """Serves the Owner contract of one service."""

    def __init__(
        self,
        service: str,
        store: EventStore,
        health: Health,
        dead_letters: DeadLetters | None = None,
        report: Report = nothing_to_report,
        blobs: ReferencedBlobs = no_blobs,
    ) -> None:
        self._service = service
        self._store = store
        self._health = health
        self._dead_letters = dead_letters
        self._report = report
        self._blobs = blobs

    async def Report(self, request: pb.ReportRequest, context: Any) -> pb.ReportReply:
        reply = await self._report()
        if self._dead_letters is not None:
            reply.counts["dead_letters"] = await self._dead_letters.count()
        reply.work.update(self._store.figures)
        return self._health.add_to(reply)

    async def Verify(self, request: pb.VerifyRequest, context: Any) -> AsyncIterator[pb.VerifyProgress]:
        seen: list[int] = [0]
        work = self._store.mend if request.mend else self._store.verify
        task = begin(work(lambda count: seen.__setitem__(0, count)))
        while not task.done():
            await asyncio.wait({task}, timeout=_EVERY)
            if not task.done():
                yield pb.VerifyProgress(events=seen[0])
        yield _summary(task.result(), mended=request.mend)

    async def Rebuild(self, request: pb.RebuildRequest, context: Any) -> AsyncIterator[pb.RebuildProgress]:
        seen: list[int] = [0]
        task = begin(self._store.rebuild(lambda count: seen.__setitem__(0, count)))
        while not task.done():
            await asyncio.wait({task}, timeout=_EVERY)
            if not task.done():
                yield pb.RebuildProgress(events=seen[0])
        yield pb.RebuildProgress(events=task.result(), done=True)

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Any) -> pb.DeadLetterList:
        dead_letters = (
            await self._dead_letters.waiting(include_retried=request.include_retried) if self._dead_letters else []
        )
        return pb.DeadLetterList(letters=[self._to_wire(dead_letter) for dead_letter in dead_letters])

    async def ShowDeadLetter(self, request: pb.DeadLetterRequest, context: Any) -> pb.DeadLetter:
        return self._to_wire(await self._dead_letter(request.id))

    async def RetryDeadLetter(self, request: pb.DeadLetterRequest, context: Any) -> pb.DeadLetter:
        await self._dead_letter(request.id)
        assert self._dead_letters is not None
        return self._to_wire(await self._dead_letters.retry(request.id, current_provenance()))

    async def ReferencedBlobs(self, request: pb.ReferencedBlobsRequest, context: Any) -> AsyncIterator[pb.BlobIds]:
        async for ids in self._blobs(request.generation):
            yield pb.BlobIds(ids=ids)

    async def _dead_letter(self, dead_letter_id: str) -> DeadLetter:
        try:
            if self._dead_letters is not None:
                return await self._dead_letters.show(dead_letter_id)
        except NoSuchDeadLetter:
            pass
        raise NotFound(f"{self._service} has no dead letter {dead_letter_id}", "deadletter")

    def _to_wire(self, dead_letter: DeadLetter) -> pb.DeadLetter:
        return pb.DeadLetter(
            id=dead_letter.id,
            service=self._service,
            what=dead_letter.what,
            queue_id=dead_letter.queue_id,
            error=dead_letter.error,
            attempts=dead_letter.attempts,
            at=dead_letter.at,
            payload=dead_letter.payload,
            retried=dead_letter.retried,
        )


def _summary(verdict: VerifyResult, *, mended: bool) -> pb.VerifyProgress:
    return pb.VerifyProgress(
        events=verdict.events,
        rows=verdict.rows,
        done=True,
        differences=map(_difference, verdict.differences),
        different=verdict.different,
        mended=verdict.different if mended else 0,
    )


def _difference(difference: Difference) -> pb.Difference:
    return pb.Difference(
        table=difference.table,
        key=_json(difference.key),
        stored=_json(difference.stored),
        folded=_json(difference.folded),
    )


def _json(row: tuple[Any, ...] | None) -> str:
    if row is None:
        return ""
    return orjson.dumps([value.hex() if isinstance(value, bytes) else value for value in row]).decode()
