"""A servicer that does what a test asks for, reached by both bindings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from shared.eventstore.event import Provenance
from shared.grpc.call import caller, current_provenance
from shared.rpc.mailfold.owner.v1 import owner_pb2 as pb
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerServicer

SECRET = "the password is xyzzy"


class Sample(OwnerServicer):
    """`ShowDeadLetter` answers its request; with `failure` set it raises that.

    `ReferencedBlobs` sends three batches first. While `stalled`, both wait for ever where they would answer or end.
    """

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.seen: list[tuple[str, Provenance]] = []
        self.closed = 0
        self.stalled = False
        self.cancelled = asyncio.Event()

    async def ShowDeadLetter(self, request: pb.DeadLetterRequest, context: Any) -> pb.DeadLetter:
        self.seen.append((caller(), current_provenance()))
        await self._perhaps_stall()
        if self.failure is not None:
            raise self.failure
        return pb.DeadLetter(id=request.id, payload=b"\x00\xff")

    async def ReferencedBlobs(self, request: pb.ReferencedBlobsRequest, context: Any) -> AsyncIterator[pb.BlobIds]:
        self.seen.append((caller(), current_provenance()))
        try:
            for number in range(3):
                yield pb.BlobIds(ids=[f"{request.generation}/{number}"])
            await self._perhaps_stall()
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed += 1

    async def _perhaps_stall(self) -> None:
        try:
            if self.stalled:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
