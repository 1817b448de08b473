"""Serves the contract for sharing mailboxes."""

from __future__ import annotations

from typing import Any

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers.access_lists import AccessLists
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.shared_mailboxes import SharedMailboxes, SharedStates, SharingOwner
from shared.grpc.call import current_provenance, session_account
from shared.grpc.errors import Invalid
from shared.protocol.imap.rights import InvalidRights, parse_rights
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.sharing_pb2_grpc import MailboxSharingServicer

_MODES = ("", "+", "-")


class MailboxSharingEndpoint(MailboxSharingServicer):
    """Answers sessions about their own and others' mailboxes, and owners and the operator about grants."""

    def __init__(self, lists: AccessLists, shared: SharedMailboxes, owners: Owners) -> None:
        self._lists = lists
        self._shared = shared
        self._owners = owners

    async def FindOwner(self, request: pb.FindOwnerRequest, context: Any) -> pb.FindOwnerReply:
        if not self._shared.is_on:
            return pb.FindOwnerReply(off=True)
        return pb.FindOwnerReply(owner=await self._shared.owner(request.account, request.owner, group=request.group))

    async def ListShared(self, request: pb.ListSharedRequest, context: Any) -> pb.SharedList:
        if not self._shared.is_on:
            return pb.SharedList(off=True)
        owners = [] if request.only_switch else await self._shared.listed(request.account, request.owner)
        listed = [_owner(owner) for owner in owners]
        if request.with_status:
            for owner, shown in zip(owners, listed, strict=True):
                _show_states(shown, await self._shared.states(request.account, owner))
        return pb.SharedList(owners=listed)

    async def GetAcl(self, request: pb.AclRequest, context: Any) -> pb.Acl:
        with as_contract_errors():
            entries = await self._lists.shown(_asker(request.account), request.account, request.mailbox)
        return pb.Acl(entries=[pb.AclEntry(identifier=name, rights=rights) for name, rights in entries])

    async def SetAcl(self, request: pb.SetAclRequest, context: Any) -> pb.AclReply:
        owner, name, text = request.account, request.mailbox, request.identifier
        if request.mode not in _MODES:
            raise Invalid("the mode is one of +, - and empty", "CANNOT")
        if request.rights and not self._shared.is_on and request.mode != "-":
            with as_contract_errors():
                raise MailboxRefused("CANNOT", "sharing is switched off on this server")
        with as_contract_errors():
            rights = _parsed(request.rights)
            version = await self._lists.change(
                _asker(owner), owner, name, text, request.mode, rights, current_provenance()
            )
        return pb.AclReply(version=version)

    async def ListRights(self, request: pb.ListRightsRequest, context: Any) -> pb.ListRightsReply:
        owner = request.account
        with as_contract_errors():
            always, optional = await self._lists.possible(_asker(owner), owner, request.mailbox, request.identifier)
        return pb.ListRightsReply(always=always, optional=optional)

    async def MyRights(self, request: pb.AclRequest, context: Any) -> pb.MyRightsReply:
        with as_contract_errors():
            rights = await self._lists.own(_asker(request.account), request.account, request.mailbox)
        return pb.MyRightsReply(rights=rights)

    async def ListGrants(self, request: pb.ListGrantsRequest, context: Any) -> pb.GrantList:
        await self._owners.check(request.account, "MailboxSharing/ListGrants")
        page = await self._lists.grants(request.account, request.after, request.limit)
        grants = [pb.Grant(mailbox=mailbox, identifier=name, rights=rights) for mailbox, name, rights in page.grants]
        return pb.GrantList(grants=grants, next=page.next)

    async def RevokeGrants(self, request: pb.RevokeGrantsRequest, context: Any) -> pb.RevokeGrantsReply:
        await self._owners.check(request.account, "MailboxSharing/RevokeGrants")
        with as_contract_errors():
            grants, version = await self._lists.revoke(
                request.account, request.mailbox, request.identifier, current_provenance()
            )
        return pb.RevokeGrantsReply(grants=grants, version=version)


def _asker(owner: str) -> str:
    """Who asks: the session's account; without one the operator, who may do what the owner may."""
    return session_account() or owner


def _parsed(rights: str) -> str:
    try:
        return parse_rights(rights)
    except InvalidRights as invalid:
        raise Invalid(str(invalid), "CANNOT") from invalid


def _owner(owner: SharingOwner) -> pb.SharedOwner:
    mailboxes = [pb.SharedMailbox(name=name, id=mailbox, rights=rights) for name, mailbox, rights in owner.mailboxes]
    return pb.SharedOwner(account=owner.account, name=owner.level, group=owner.is_group, mailboxes=mailboxes)


def _show_states(owner: pb.SharedOwner, states: SharedStates) -> None:
    owner.version = states.version
    for mailbox in owner.mailboxes:
        state = states.by_id.get(mailbox.id)
        if state is not None:
            mailbox.uid_validity, mailbox.uid_next = state.uid_validity, state.uid_next
            mailbox.messages, mailbox.unseen = state.messages, state.unseen
            mailbox.highest_modseq = state.modseq
