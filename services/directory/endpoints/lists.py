"""Serves the Lists contract: mailing lists and their members."""

from __future__ import annotations

from typing import Any

from services.directory.domain.lists import ListChanges, ListState, MemberState
from services.directory.endpoints.names import given
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import list_rows
from services.directory.handlers.lists import ListCommands
from services.directory.handlers.posters import Poster
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import lists_pb2 as pb
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsServicer


class ListsEndpoint(StoreEndpoint, ListsServicer):
    """The methods about lists."""

    def __init__(self, store: EventStore, commands: ListCommands) -> None:
        super().__init__(store)
        self._commands = commands

    async def AddList(self, request: pb.AddListRequest, context: Any) -> pb.MailingList:
        owners = list(request.owners)
        return _list(
            await self._write(
                lambda tx, provenance: self._commands.add(tx, request.address, owners, request.description, provenance)
            )
        )

    async def ChangeList(self, request: pb.ChangeListRequest, context: Any) -> pb.MailingList:
        owners = list(request.owners.owners) if request.HasField("owners") else None
        changes = ListChanges(
            None,
            given(request, "description"),
            given(request, "members_only"),
            given(request, "skip_recipients"),
            given(request, "rewrite_author"),
            given(request, "disabled"),
        )
        return _list(
            await self._write(
                lambda tx, provenance: self._commands.change(tx, request.name, owners, changes, provenance)
            )
        )

    async def RemoveList(self, request: pb.ListRequested, context: Any) -> pb.ListGone:
        return pb.ListGone(
            name=await self._write(lambda tx, provenance: self._commands.remove(tx, request.name, provenance))
        )

    async def ShowList(self, request: pb.ListRequested, context: Any) -> pb.MailingList:
        return _list(await self._read(lambda reader: list_rows.mailing_list(reader, request.name)))

    async def ListLists(self, request: pb.ListsRequested, context: Any) -> pb.MailingLists:
        return pb.MailingLists(lists=map(_list, await self._read(list_rows.mailing_lists)))

    async def JoinList(self, request: pb.ListMembersRequest, context: Any) -> pb.ListMembersReply:
        texts = list(request.members)
        changed = await self._write(lambda tx, provenance: self._commands.join(tx, request.name, texts, provenance))
        return pb.ListMembersReply(changed=changed)

    async def LeaveList(self, request: pb.ListMembersRequest, context: Any) -> pb.ListMembersReply:
        texts = list(request.members)
        changed = await self._write(lambda tx, provenance: self._commands.leave(tx, request.name, texts, provenance))
        return pb.ListMembersReply(changed=changed)

    async def ListMembers(self, request: pb.ListMembersPageRequest, context: Any) -> pb.ListMembersPage:
        limit = min(request.limit or list_rows.PAGE, list_rows.PAGE)
        paused = True if request.paused_only else (False if request.without_paused else None)

        def ask(reader: Reader) -> list[MemberState]:
            state = list_rows.mailing_list(reader, request.name)
            return list_rows.members(reader, state.id, request.after, limit + 1, paused)

        page = await self._read(ask)
        return pb.ListMembersPage(members=map(_member, page[:limit]), has_more=len(page) > limit)

    async def SwitchMember(self, request: pb.SwitchMemberRequest, context: Any) -> pb.ListMember:
        name, member, paused = request.name, request.member, request.paused
        return _member(
            await self._write(
                lambda tx, provenance: self._commands.switch(tx, name, member, paused=paused, provenance=provenance)
            )
        )

    async def MayPost(self, request: pb.MayPostRequest, context: Any) -> pb.MayPostReply:
        poster = _poster(request)
        known = await self._read(lambda reader: self._commands.may_post(reader, request.name, poster))
        return pb.MayPostReply(allowed=known.may_post, is_member=known.is_member, may_leave=known.may_leave)

    async def LeaveByMail(self, request: pb.MayPostRequest, context: Any) -> pb.ListMembersReply:
        poster = _poster(request)
        changed = await self._write(
            lambda tx, provenance: self._commands.leave_by_mail(tx, request.name, poster, provenance)
        )
        return pb.ListMembersReply(changed=changed)

    async def CountBounce(self, request: pb.CountBounceRequest, context: Any) -> pb.CountBounceReply:
        name, member, status, queue_id = request.name, request.member, request.status, request.queue_id
        counted, paused = await self._write(
            lambda tx, provenance: self._commands.count_bounce(tx, name, member, status, queue_id, provenance)
        )
        return pb.CountBounceReply(counted=counted, paused=paused)


def _poster(request: pb.MayPostRequest) -> Poster:
    return Poster(request.user, request.account, request.author)


def _list(state: ListState) -> pb.MailingList:
    return pb.MailingList(
        id=state.id,
        address=state.address,
        description=state.description,
        owners=state.owners,
        members_only=state.members_only,
        skip_recipients=state.skip_recipients,
        rewrite_author=state.rewrite_author,
        disabled=state.disabled,
        members=state.members,
        paused=state.paused,
    )


def _member(state: MemberState) -> pb.ListMember:
    return pb.ListMember(
        id=state.id,
        address=state.address,
        paused=state.paused,
        bounces=state.bounces,
        last_status=state.last_status,
        group=state.group,
    )
