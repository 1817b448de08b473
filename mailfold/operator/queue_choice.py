"""Which entries of the outbound queue a command is about."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from mailfold.arguments import Argument, Option
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.texts import since

if TYPE_CHECKING:
    from mailfold.operator.session import Session
    from shared.rpc.mailfold.outbound.v1 import outbound_pb2


class QueueChoice(NamedTuple):
    """Ids and filters; an entry must fit all that are given."""

    ids: Annotated[list[str] | None, Argument("Entry ids, or queue ids for all recipients of a mail.")] = None
    domain: Annotated[str, Option("--domain", help="Only mail to this domain.")] = ""
    sender: Annotated[str, Option("--sender", help="Only mail from this address; * fits any characters.")] = ""
    recipient: Annotated[str, Option("--recipient", help="Only mail to this address; * fits any characters.")] = ""
    state: Annotated[
        Literal["", "waiting", "held"], Option("--state", help="Only mail that waits, or only mail that is held.")
    ] = ""
    older_than: Annotated[
        str, Option("--older-than", help="Only mail that was queued before: 30m, 2h, 1d, or 2026-11-23T10:00.")
    ] = ""
    reason: Annotated[str, Option("--reason", help="Only mail whose last reply or reason contains this text.")] = ""
    account: Annotated[str, Option("--account", help="Only mail that this account submitted; its address.")] = ""


async def filter_of(session: Session, choice: QueueChoice) -> outbound_pb2.QueueFilter:
    """The filter of the contract.

    Raises NotFound for an account that does not exist, CommandFailed for a time or a domain that cannot be read.
    """
    from shared.rpc.mailfold.outbound.v1 import outbound_pb2

    return outbound_pb2.QueueFilter(
        ids=choice.ids or [],
        domain=_domain(choice.domain) if choice.domain else "",
        sender=choice.sender,
        recipient=choice.recipient,
        state=choice.state,
        before=since(choice.older_than, time_ns() // 1000) if choice.older_than else 0,
        reason=choice.reason,
        account=await account_id(session, choice.account) if choice.account else "",
    )


def _domain(text: str) -> str:
    """The form of a domain that entries have, which is that of the DNS."""
    from shared.protocol.address.domain import AddressError, parse_domain

    try:
        return parse_domain(text.rpartition("@")[2])
    except AddressError as error:
        raise CommandFailed(f"{text!r} is not a domain: {error}", UNUSABLE) from error


async def account_id(session: Session, address: str) -> str:
    """The id of the account with this address. Raises NotFound."""
    from shared.rpc.mailfold.directory.v1.directory_pb2 import NameRequest
    from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub

    stub = DirectoryStub(await session.owner("directory", reads_only=True))
    return (await stub.ShowAccount(NameRequest(name=address))).id
