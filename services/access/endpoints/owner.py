"""The Owner contract of a service that owns no data: it only reports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from shared.grpc.errors import NotFound
from shared.owner.health import Health
from shared.rpc.mailfold.owner.v1 import owner_pb2 as pb
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerServicer

Report = Callable[[], Awaitable[pb.ReportReply]]


class ReportOnly(OwnerServicer):
    """Answers Report. There is no store to verify, and there are no dead letters."""

    def __init__(self, report: Report, health: Health) -> None:
        self._report = report
        self._health = health

    async def Report(self, request: pb.ReportRequest, context: Any) -> pb.ReportReply:
        return self._health.add_to(await self._report())

    async def Verify(self, request: pb.VerifyRequest, context: Any) -> AsyncIterator[pb.VerifyProgress]:
        yield pb.VerifyProgress(done=True)

    async def Rebuild(self, request: pb.RebuildRequest, context: Any) -> AsyncIterator[pb.RebuildProgress]:
        yield pb.RebuildProgress(done=True)

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Any) -> pb.DeadLetterList:
        return pb.DeadLetterList()

    async def ShowDeadLetter(self, request: pb.DeadLetterRequest, context: Any) -> pb.DeadLetter:
        raise NotFound(f"access has no dead letter {request.id}", "deadletter")

    async def RetryDeadLetter(self, request: pb.DeadLetterRequest, context: Any) -> pb.DeadLetter:
        raise NotFound(f"access has no dead letter {request.id}", "deadletter")

    async def ReferencedBlobs(self, request: pb.ReferencedBlobsRequest, context: Any) -> AsyncIterator[pb.BlobIds]:
        return
        yield pb.BlobIds()
