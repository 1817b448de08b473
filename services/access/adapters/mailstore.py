"""The mailstore, as sessions use it. Every method raises ServiceError."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import chain

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.grpc.errors import TimedOut, Unavailable
from shared.protocol.imap.number_set import NumberSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub

_PAUSE = 0.2
_SEARCH_SECONDS = 3600.0


def spans(uids: NumberSet) -> pb.UidSet:
    """UIDs as a message of the contract."""
    return pb.UidSet(bounds=list(chain.from_iterable(uids.ranges)))


def numbers(uids: pb.UidSet) -> NumberSet:
    """UIDs from a message of the contract."""
    bounds = iter(list(uids.bounds))
    return NumberSet.of_sorted(zip(bounds, bounds, strict=True))


class MailstoreClient:
    """Has one method for each call of the contract.

    Writes need a command id in the current provenance, so that they can be repeated.
    """

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = MailstoreStub(channel)
        self._patience = patience

    async def open_account(self, account: str) -> int:
        """Make the account's mailboxes on first use; returns the account's version."""
        reply = await self._patience.call(self._stub.OpenAccount, pb.OpenAccountRequest(account=account))
        return reply.version

    async def version(self, account: str) -> int:
        """The account's version at this moment."""
        reply = await self._stub.OpenAccount(pb.OpenAccountRequest(account=account))
        return reply.version

    async def mailboxes(self, account: str) -> pb.MailboxList:
        """All mailboxes with their counters, and all subscriptions."""
        return await self._patience.call(
            self._stub.ListMailboxes, pb.ListMailboxesRequest(account=account, with_status=True)
        )

    async def mailbox(self, account: str, name: str) -> pb.Mailbox | None:
        """The mailbox of this name with its counters, or None."""
        request = pb.ListMailboxesRequest(account=account, with_status=True, name=name)
        reply = await self._patience.call(self._stub.ListMailboxes, request)
        return reply.mailboxes[0] if reply.mailboxes else None

    async def mailbox_by_id(self, account: str, mailbox: str) -> pb.Mailbox | None:
        """The mailbox of this id with its counters, or None."""
        request = pb.ListMailboxesRequest(account=account, with_status=True, id=mailbox)
        reply = await self._patience.call(self._stub.ListMailboxes, request)
        return reply.mailboxes[0] if reply.mailboxes else None

    async def changed_mailboxes(self, account: str, since: int) -> pb.ChangedMailboxesReply:
        """The mailboxes that changed after a version."""
        request = pb.ChangedMailboxesRequest(account=account, since=since)
        return await self._patience.call(self._stub.ChangedMailboxes, request)

    async def view(self, account: str, name: str) -> pb.MailboxView:
        """The state of a mailbox at one version. Raises NotFound."""
        return await self._patience.call(self._stub.ViewMailbox, pb.MailboxNameRequest(account=account, name=name))

    async def changes(self, request: pb.ChangesRequest) -> pb.ChangesReply:
        """The changes of a mailbox after a version. Raises NotFound when the mailbox is gone."""
        return await self._patience.call(self._stub.Changes, request)

    async def create(self, account: str, name: str, special_use: str) -> pb.Mailbox:
        """Create a mailbox. Raises AlreadyExists, LimitReached, Invalid."""
        request = pb.CreateMailboxRequest(account=account, name=name, special_use=special_use)
        reply = await self._patience.call(self._stub.CreateMailbox, request)
        return reply.mailbox

    async def delete(self, account: str, name: str) -> pb.Mailbox:
        """Delete a mailbox. Raises NotFound, NotNow."""
        reply = await self._patience.call(self._stub.DeleteMailbox, pb.MailboxNameRequest(account=account, name=name))
        return reply.mailbox

    async def rename(self, account: str, name: str, new_name: str) -> pb.Mailbox:
        """Rename a mailbox. Raises NotFound, AlreadyExists, NotNow."""
        request = pb.RenameMailboxRequest(account=account, name=name, new_name=new_name)
        reply = await self._patience.call(self._stub.RenameMailbox, request)
        return reply.mailbox

    async def subscribe(self, account: str, name: str, subscribed: bool) -> None:
        """Begin or end a subscription."""
        request = pb.SubscribeMailboxRequest(account=account, name=name, subscribed=subscribed)
        await self._patience.call(self._stub.SubscribeMailbox, request)

    async def store(self, request: pb.StoreRequest) -> pb.StoreReply:
        """Change flags."""
        return await self._patience.call(self._stub.Store, request)

    async def append(self, request: pb.AppendRequest) -> pb.AppendReply:
        """Append messages. Raises NotFound, LimitReached."""
        return await self._patience.call(self._stub.Append, request)

    async def replace(self, request: pb.ReplaceRequest) -> pb.AppendReply:
        """Put a message in the place of another. Raises NotFound (TRYCREATE), NotNow (EXPUNGEISSUED), LimitReached."""
        return await self._patience.call(self._stub.Replace, request)

    async def copy(self, request: pb.CopyRequest) -> pb.CopyReply:
        """Copy messages. Raises NotFound (TRYCREATE), LimitReached."""
        return await self._patience.call(self._stub.Copy, request)

    async def move(self, request: pb.CopyRequest) -> pb.CopyReply:
        """Move messages. Raises NotFound (TRYCREATE)."""
        return await self._patience.call(self._stub.Move, request)

    async def expunge(self, request: pb.ExpungeRequest) -> pb.ExpungeReply:
        """Remove the messages that are marked \\Deleted."""
        return await self._patience.call(self._stub.Expunge, request)

    async def search(self, request: pb.SearchRequest) -> pb.SearchReply:
        """The UIDs that match. The call has no time limit, because the mailstore serves other requests in between."""
        search, seconds = self._stub.Search, _SEARCH_SECONDS
        return await self._patience.call(lambda asked: search(asked, timeout=seconds), request)

    async def quota(self, account: str) -> pb.QuotaReply:
        """The used and the allowed storage."""
        return await self._patience.call(self._stub.Quota, pb.QuotaRequest(account=account))

    async def deleted_size(self, account: str, mailbox: str) -> int:
        """Octets that an EXPUNGE of the mailbox with this id would free."""
        request = pb.DeletedSizeRequest(account=account, mailbox=mailbox)
        reply = await self._patience.call(self._stub.DeletedSize, request)
        return reply.octets

    async def fetch(self, request: pb.FetchRequest) -> AsyncIterator[pb.FetchBatch]:
        """Batches of messages in ascending order of UIDs.

        When the mailstore becomes unavailable in the middle, the call is repeated for the UIDs after the last one
        received.
        """
        end, last = self._patience.end(), 0
        while True:
            try:
                async for batch in self._stub.Fetch(_behind(request, last) if last else request):
                    yield batch
                    last = batch.uids[-1] if batch.uids else batch.runs[-1].last if batch.runs else last
                return
            except (Unavailable, TimedOut):
                if self._patience.over(end):
                    raise
                await asyncio.sleep(_PAUSE)


def _behind(request: pb.FetchRequest, last: int) -> pb.FetchRequest:
    """The request for the messages after a UID."""
    left = pb.FetchRequest()
    left.CopyFrom(request)
    left.vanished = False
    ranges = [(max(first, last + 1), end) for first, end in numbers(request.uids).ranges if end > last]
    left.uids.CopyFrom(spans(NumberSet(tuple(ranges))))
    return left
