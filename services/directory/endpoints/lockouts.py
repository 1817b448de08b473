"""Serves the Lockouts contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.directory.domain.lockouts import Lockout
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.handlers.lockouts import LockoutChoice, LockoutCommands, reason_of
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.directory.v1 import lockouts_pb2 as pb
from shared.rpc.mailfold.directory.v1.lockouts_pb2_grpc import LockoutsServicer

_LISTED = 1_000


class LockoutsEndpoint(LockoutsServicer):
    """Lists and lifts lockouts."""

    def __init__(self, commands: LockoutCommands) -> None:
        self._commands = commands

    async def ListLockouts(self, request: pb.ListLockoutsRequest, context: Any) -> pb.LockoutList:
        with as_contract_errors():
            chosen = await self._commands.chosen(LockoutChoice(request.account, request.address))
        limit = min(request.limit or _LISTED, _LISTED)
        return self._listed(chosen[request.offset : request.offset + limit], len(chosen))

    async def LiftLockouts(self, request: pb.LiftLockoutsRequest, context: Any) -> pb.LockoutList:
        if not (request.account or request.address or request.all):
            raise Invalid("which lockouts? Name an account or an address, or ask for all", "account")
        with as_contract_errors():
            choice = LockoutChoice(request.account, request.address)
            lifted = await self._commands.lift(choice, current_provenance())
        return self._listed(lifted[:_LISTED], len(lifted))

    def _listed(self, lockouts: Sequence[Lockout], total: int) -> pb.LockoutList:
        times = self._commands.times
        return pb.LockoutList(
            lockouts=[
                pb.Lockout(
                    kind=entry.kind,
                    account=entry.account,
                    network=entry.network,
                    protocol=entry.protocol,
                    mistakes=entry.mistakes,
                    began_at=times.at(entry.since),
                    ends_at=times.at(entry.until),
                    reason=reason_of(entry),
                )
                for entry in lockouts
            ],
            total=total,
        )
