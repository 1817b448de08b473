"""Serves the Outbound contract: an enqueued copy is durable when the call returns, and is enqueued once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.events.outbound import OutboundQueued
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import current_provenance
from shared.grpc.errors import Unavailable
from shared.ids import IdKind, Ids
from shared.rpc.mailfold.outbound.v1 import outbound_pb2 as pb
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundServicer

_LISTED = 1000


class OutboundEndpoint(OutboundServicer):
    """Enqueues copies and lists them."""

    def __init__(self, store: EventStore, ids: Ids, max_waiting: int) -> None:
        self._store = store
        self._ids = ids
        self._limit = max_waiting
        self._waiting = 0

    async def start(self) -> None:
        """Count the queue once.

        From then on commits are counted, so that the cost of enqueueing does not grow with the queue.
        """
        row = await self._store.read(lambda reader: reader.first_row("SELECT count(*) FROM queue"))
        self._waiting = row[0] if row else 0
        self._store.on_commit(self._committed)

    async def Enqueue(self, request: pb.EnqueueRequest, context: Any) -> pb.EnqueueReply:
        current = current_provenance()
        entry, repeated = await self._store.write(lambda transaction: self._take(transaction, request, current))
        return pb.EnqueueReply(queue_entry=entry, repeated=repeated)

    async def List(self, request: pb.ListQueueRequest, context: Any) -> pb.QueueList:
        sql = "SELECT entry, queue_id, sender, recipient, size, at, state FROM queue ORDER BY entry LIMIT ?"
        limit = min(request.limit or _LISTED, 10 * _LISTED)
        rows = await self._store.read(lambda reader: reader.all(sql, (limit,)))
        entries = [
            pb.QueueEntry(
                id=entry, queue_id=queue_id, sender=sender, recipient=recipient, size=size, at=at, state=state
            )
            for entry, queue_id, sender, recipient, size, at, state in rows
        ]
        return pb.QueueList(entries=entries, total=self._waiting)

    def _committed(self, recorded: Sequence[Recorded]) -> None:
        self._waiting += sum(isinstance(committed_event.event, OutboundQueued) for committed_event in recorded)

    def _take(
        self, transaction: Transaction, request: pb.EnqueueRequest, current_provenance: Provenance
    ) -> tuple[str, bool]:
        command = f"{request.queue_id}/{request.index}/{request.recipient}"
        earlier = transaction.answered(command)
        if earlier:
            return earlier[0].stream, True
        if self._waiting >= self._limit:
            raise Unavailable(f"the outbound queue is full ({self._limit} entries)", "full")
        queued = _queued(self._ids.new(IdKind.ENTRY), request)
        transaction.append(
            queued.entry,
            [queued],
            Provenance(current_provenance.actor, current_provenance.cause, current_provenance.correlation, command),
        )
        return queued.entry, False


def _queued(entry: str, request: pb.EnqueueRequest) -> OutboundQueued:
    return OutboundQueued(
        entry=entry,
        queue_id=request.queue_id,
        recipient=request.recipient,
        index=request.index,
        blob=request.blob,
        prefix=request.prefix,
        size=request.size,
        reverse_path=request.reverse_path,
        forward_path=request.forward_path,
        notify=request.notify,
        orcpt=request.orcpt,
        ret=request.ret,
        envid=request.envid,
        eight_bit=request.eight_bit,
        smtputf8=request.smtputf8,
        message_id=request.message_id,
    )
