"""Questions about submissions that wait for their release, and changes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from mailfold.arguments import Argument, Option
from mailfold.operator.queue_choice import account_id

if TYPE_CHECKING:
    from mailfold.operator.session import Session
    from shared.rpc.mailfold.ingress.v1 import ingress_pb2


class SubmissionChoice(NamedTuple):
    """Queue ids and filters; a mail must fit all that are given."""

    ids: Annotated[list[str] | None, Argument("Queue ids, as the server named them when it accepted the mail.")] = None
    account: Annotated[str, Option("--account", help="Only mail that this account submitted; its address.")] = ""
    sender: Annotated[str, Option("--sender", help="Only mail from this address; * fits any characters.")] = ""


async def waiting(session: Session, choice: SubmissionChoice, limit: int, after: str) -> ingress_pb2.WaitingList:
    """A page of the waiting mail; also of a stopped server. Raises NotFound for an unknown account."""
    from shared.rpc.mailfold.ingress.v1.ingress_pb2 import ListWaitingRequest
    from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub

    stub = IngressStub(await session.owner("ingress", reads_only=True))
    request = ListWaitingRequest(limit=limit, filter=await _filter(session, choice), after=after)
    return await stub.ListWaiting(request)


async def change_waiting(
    session: Session, method: str, choice: SubmissionChoice, because: str, *, everything: bool
) -> ingress_pb2.ChangeWaitingReply:
    """Release or cancel by a method of the contract. Raises CommandFailed when the server does not run."""
    from shared.rpc.mailfold.ingress.v1.ingress_pb2 import ChangeWaitingReply, ChangeWaitingRequest
    from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub

    stub = IngressStub(await session.running("ingress"))
    request = ChangeWaitingRequest(filter=await _filter(session, choice), reason=because, all=everything)
    reply: ChangeWaitingReply = await getattr(stub, method)(request)
    return reply


async def _filter(session: Session, choice: SubmissionChoice) -> ingress_pb2.WaitingFilter:
    from shared.rpc.mailfold.ingress.v1.ingress_pb2 import WaitingFilter

    account = await account_id(session, choice.account) if choice.account else ""
    return WaitingFilter(ids=choice.ids or [], account=account, sender=choice.sender)
