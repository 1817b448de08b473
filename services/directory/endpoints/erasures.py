"""Serves the Erasures contract."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any, NamedTuple

from services.directory.domain.erasures import present_step, services_done
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import erasures
from services.directory.handlers.erasures import ErasureState
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import erasures_pb2 as pb
from shared.rpc.mailfold.directory.v1.erasures_pb2_grpc import ErasuresServicer

_LISTED = 100
_MOST_LISTED = 1_000


class _Progress(NamedTuple):
    service: str = ""
    done: int = 0
    waiting: str = ""


class ErasuresEndpoint(StoreEndpoint, ErasuresServicer):
    """Turns requests into units of work and reads. Progress is kept in memory: it is reported again and again."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store)
        self._progress: OrderedDict[str, _Progress] = OrderedDict()

    async def ListErasures(self, request: pb.ListErasuresRequest, context: Any) -> pb.ErasureList:
        limit = min(request.limit or _LISTED, _MOST_LISTED)

        def ask(reader: Reader) -> pb.ErasureList:
            states = [*erasures.open_erasures(reader, limit), *erasures.latest_erasures(reader, limit)]
            return pb.ErasureList(
                erasures=[self._to_wire(state) for state in states[:limit]], open=erasures.open_count(reader)
            )

        return await self._read(ask)

    async def NextErasure(self, request: pb.NextErasureRequest, context: Any) -> pb.ErasureTask:
        return await self._read(partial(_next, service=request.service, after=request.after))

    async def NoteMails(self, request: pb.NotedMails, context: Any) -> pb.Noted:
        await self._write(
            lambda tx, provenance: erasures.note(
                tx, request.account, request.service, request.whole, request.part, provenance
            )
        )
        return pb.Noted()

    async def ReadMails(self, request: pb.ReadMailsRequest, context: Any) -> pb.MailPage:
        mails = await self._read(lambda reader: erasures.mails_after(reader, request.account, request.after))
        return pb.MailPage(
            whole=[mail.queue_id for mail in mails if mail.is_whole],
            part=[mail.queue_id for mail in mails if not mail.is_whole],
            next=mails[-1].queue_id if mails else "",
        )

    async def ReportProgress(self, request: pb.ErasureProgress, context: Any) -> pb.Noted:
        self._progress[request.account] = _Progress(request.service, request.done, request.waiting)
        if len(self._progress) > _MOST_LISTED:
            self._progress.popitem(last=False)
        return pb.Noted()

    async def EndStep(self, request: pb.EndStepRequest, context: Any) -> pb.Noted:
        await self._write(
            lambda tx, provenance: erasures.end_step(tx, request.account, request.service, request.step, provenance)
        )
        return pb.Noted()

    def _to_wire(self, state: ErasureState) -> pb.Erasure:
        reply = pb.Erasure(account=state.account, at=state.at, completed_at=state.completed_at)
        reply.services.extend(services_done(state.done))
        step = None if state.completed_at else present_step(state.done)
        if step is not None:
            reply.service, reply.step = step.service, step.name
            progress = self._progress.get(state.account, _Progress())
            if progress.service == step.service:
                reply.done, reply.waiting = progress.done, progress.waiting
        return reply


def _next(reader: Reader, service: str, after: str) -> pb.ErasureTask:
    state = erasures.next_of(reader, service, after)
    step = present_step(state.done) if state is not None else None
    if state is None or step is None:
        return pb.ErasureTask()
    task = pb.ErasureTask(account=state.account, step=step.name)
    for held, separators in erasures.addresses_of(reader, state.account):
        task.addresses.add(address=held.address, separators=separators, since=held.since, until=held.until)
    return task
