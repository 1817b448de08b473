"""The maildrops of the mailstore, as POP3 sessions use them. Every method raises ServiceError."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import chain

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.protocol.imap.ranges import ranges
from shared.rpc.mailfold.mailstore.v1 import maildrops_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.maildrops_pb2_grpc import MaildropsStub


class MaildropsClient:
    """Has one method for each call of the contract that POP3 needs."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = MaildropsStub(channel)
        self._patience = patience

    async def opened(self, account: str, most: int) -> AsyncIterator[pb.MaildropPage]:
        """The messages of INBOX in pages, of which there is at least one."""
        async for page in self._stub.OpenMaildrop(pb.OpenMaildropRequest(account=account, most=most)):
            yield page

    async def remove(self, account: str, mailbox: str, uids: Iterable[int]) -> int:
        """Remove messages; returns how many of them there were. It needs a command id in the provenance."""
        bounds = chain.from_iterable(ranges(uids))
        request = pb.RemoveFetchedRequest(account=account, mailbox=mailbox, uid_bounds=bounds)
        return (await self._patience.call(self._stub.RemoveFetched, request)).messages
