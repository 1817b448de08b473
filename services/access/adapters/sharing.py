"""The mailboxes of others, and access control lists, as sessions use them. Every method raises ServiceError."""

from __future__ import annotations

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.sharing_pb2_grpc import MailboxSharingStub


class SharingClient:
    """Has one method for each question and command."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = MailboxSharingStub(channel)
        self._patience = patience

    async def is_on(self, account: str) -> bool:
        """Whether mailboxes may be shared on this server."""
        request = pb.ListSharedRequest(account=account, only_switch=True)
        return not (await self._patience.call(self._stub.ListShared, request)).off

    async def owner(self, account: str, owner: str, *, group: bool) -> pb.FindOwnerReply:
        """The owner for whom a level of a name stands."""
        request = pb.FindOwnerRequest(account=account, owner=owner, group=group)
        return await self._patience.call(self._stub.FindOwner, request)

    async def shared(self, account: str) -> pb.SharedList:
        """All mailboxes of others that an account sees."""
        return await self._patience.call(self._stub.ListShared, pb.ListSharedRequest(account=account))

    async def states(self, account: str, owner: str = "") -> pb.SharedList:
        """The same with the counters of those that it may read; of a single owner, or of all."""
        request = pb.ListSharedRequest(account=account, with_status=True, owner=owner)
        return await self._patience.call(self._stub.ListShared, request)

    async def acl(self, account: str, mailbox: str) -> pb.Acl:
        """The list of a mailbox. Raises NotFound, Denied."""
        return await self._patience.call(self._stub.GetAcl, pb.AclRequest(account=account, mailbox=mailbox))

    async def set_acl(self, request: pb.SetAclRequest) -> int:
        """Change a list; returns the owner's version. Raises NotFound, Denied, NotNow, LimitReached."""
        return (await self._patience.call(self._stub.SetAcl, request)).version

    async def possible(self, account: str, mailbox: str, identifier: str) -> pb.ListRightsReply:
        """The rights that an identifier may be given. Raises NotFound, Denied, NotNow."""
        request = pb.ListRightsRequest(account=account, mailbox=mailbox, identifier=identifier)
        return await self._patience.call(self._stub.ListRights, request)

    async def rights(self, account: str, mailbox: str) -> str:
        """The rights of the session's account. Raises NotFound."""
        reply = await self._patience.call(self._stub.MyRights, pb.AclRequest(account=account, mailbox=mailbox))
        return reply.rights
