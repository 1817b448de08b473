"""Serves the Groups contract."""

from __future__ import annotations

from typing import Any

from services.directory.domain.groups import GroupState
from services.directory.domain.profiles import ProfileRequest
from services.directory.endpoints import wire
from services.directory.endpoints.names import given
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers import load, load_groups
from services.directory.handlers.groups import GroupCommands
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import directory_pb2, groups_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsServicer


class GroupsEndpoint(StoreEndpoint, GroupsServicer):
    """Turns requests into units of work and reads."""

    def __init__(self, store: EventStore, commands: GroupCommands) -> None:
        super().__init__(store)
        self._groups = commands

    async def AddGroup(self, request: groups_pb2.AddGroupRequest, context: Any) -> groups_pb2.Group:
        return _group(
            await self._write(lambda tx, provenance: self._groups.add(tx, request.name, request.users, provenance))
        )

    async def RenameGroup(self, request: groups_pb2.RenameGroupRequest, context: Any) -> groups_pb2.Group:
        new_name = request.new_name
        return _group(
            await self._write(lambda tx, provenance: self._groups.rename(tx, request.name, new_name, provenance))
        )

    async def RemoveGroup(self, request: directory_pb2.NameRequest, context: Any) -> directory_pb2.Removed:
        return directory_pb2.Removed(
            name=await self._write(lambda tx, provenance: self._groups.remove(tx, request.name, provenance))
        )

    async def JoinGroup(self, request: groups_pb2.MembersRequest, context: Any) -> groups_pb2.Group:
        return _group(
            await self._write(lambda tx, provenance: self._groups.join(tx, request.group, request.users, provenance))
        )

    async def LeaveGroup(self, request: groups_pb2.MembersRequest, context: Any) -> groups_pb2.Group:
        return _group(
            await self._write(lambda tx, provenance: self._groups.leave(tx, request.group, request.users, provenance))
        )

    async def ShowGroup(self, request: directory_pb2.NameRequest, context: Any) -> groups_pb2.Group:
        name = request.name
        return _group(await self._read(lambda reader: load.existing("group", name, load_groups.group(reader, name))))

    async def ListGroups(self, request: directory_pb2.ListRequest, context: Any) -> groups_pb2.GroupList:
        return groups_pb2.GroupList(groups=map(_group, await self._read(load_groups.groups)))

    async def SetProfile(self, request: groups_pb2.SetProfileRequest, context: Any) -> directory_pb2.User:
        profile = ProfileRequest(
            given(request, "display_name"), given(request, "language"), given(request, "time_zone")
        )
        return wire.user(
            await self._write(lambda tx, provenance: self._groups.set_profile(tx, request.user, profile, provenance))
        )


def _group(state: GroupState) -> groups_pb2.Group:
    return groups_pb2.Group(
        id=state.id,
        name=state.name,
        members=state.member_names,
        accounts=state.accounts,
        aliases=state.aliases,
    )
