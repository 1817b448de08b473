"""Questions to the outbound queue, and changes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mailfold.operator.failure import CommandFailed
from mailfold.operator.queue_choice import QueueChoice, filter_of
from mailfold.operator.running import answers
from mailfold.operator.session import Session
from shared.grpc.errors import NotFound, ServiceError

if TYPE_CHECKING:
    from shared.rpc.mailfold.outbound.v1 import outbound_pb2
    from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundAsyncStub

_MOST = 100
"""Recipients of a mail whose histories are read at once."""


class MailHistories(NamedTuple):
    """The histories of the recipients of a mail."""

    entries: Sequence[outbound_pb2.EntryHistory]
    more: int
    """Recipients that are not among them."""
    is_complete: bool
    """Whether recipients whose entries have ended were looked for."""


async def entries(session: Session, choice: QueueChoice, limit: int, after: str) -> outbound_pb2.QueueList:
    """A page of the open entries; also of a stopped server."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import ListQueueRequest

    request = ListQueueRequest(limit=limit, filter=await filter_of(session, choice), after=after)
    return await (await _reading(session)).List(request)


async def change(
    session: Session, method: str, choice: QueueChoice, because: str, *, everything: bool
) -> outbound_pb2.ChangeReply:
    """Change entries by a method of the contract such as `Hold`. Raises CommandFailed when the server does not run."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import ChangeReply, ChangeRequest
    from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

    stub = OutboundStub(await session.running("outbound"))
    request = ChangeRequest(filter=await filter_of(session, choice), reason=because, all=everything)
    reply: ChangeReply = await getattr(stub, method)(request)
    return reply


async def histories_of(session: Session, identity: str) -> MailHistories:
    """The histories of an entry, or of all entries of a mail. Raises CommandFailed when there is none."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EntryRequest

    stub = await _reading(session)
    try:
        return MailHistories([await stub.Show(EntryRequest(id=identity))], 0, True)
    except NotFound:
        pass
    logged = await _logged_entries(session, identity)
    ids = list(dict.fromkeys([*(logged or ()), *await _open_entries(stub, identity)]))
    if not ids:
        raise CommandFailed(
            f"the queue knows nothing of {identity}; it takes an entry id from `mailfold queue list`, or a queue id"
        )
    histories = [await stub.Show(EntryRequest(id=entry)) for entry in ids[:_MOST]]
    return MailHistories(histories, len(ids) - len(histories), logged is not None)


async def _open_entries(stub: OutboundAsyncStub, queue_id: str) -> list[str]:
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import ListQueueRequest, QueueFilter

    page = await stub.List(ListQueueRequest(limit=1000, filter=QueueFilter(ids=[queue_id])))
    return [entry.id for entry in page.entries]


async def _logged_entries(session: Session, queue_id: str) -> list[str] | None:
    """The entries of a mail from the event log, which also knows those that have ended; None when it does not run."""
    from mailfold.operator import log
    from shared.events.outbound import OutboundQueued

    if not answers(session.places, "eventlog"):
        return None
    try:
        events = [logged.event for logged in await log.trace(session, queue_id)]
    except ServiceError:
        return None
    return [event.entry for event in events if isinstance(event, OutboundQueued) and event.queue_id == queue_id]


async def _reading(session: Session) -> OutboundAsyncStub:
    from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

    return OutboundStub(await session.owner("outbound", reads_only=True))
