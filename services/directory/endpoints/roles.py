"""Serves the Roles contract."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.rights import RoleCommands, RoleState, roles
from shared.eventstore.store import EventStore
from shared.rpc.mailfold.directory.v1 import roles_pb2 as pb
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import RolesServicer


class RolesEndpoint(StoreEndpoint, RolesServicer):
    """The methods about the roles of users."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store)
        self._commands = RoleCommands()

    async def GiveRole(self, request: pb.GiveRoleRequest, context: Any) -> pb.UserRole:
        states = await self._write(
            lambda tx, provenance: self._commands.give(tx, request.user, request.role, request.domains, provenance)
        )
        return _role(states[0])

    async def ListRoles(self, request: pb.ListRolesRequest, context: Any) -> pb.UserRoleList:
        return pb.UserRoleList(roles=map(_role, await self._read(roles)))


def _role(state: RoleState) -> pb.UserRole:
    return pb.UserRole(user=state.user, role=state.role, domains=state.domains)
