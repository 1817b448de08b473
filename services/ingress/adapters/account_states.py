"""Asks the directory which accounts may be used now."""

from __future__ import annotations

from collections.abc import Sequence, Set

from shared.grpc.channel import Channel
from shared.rpc.mailfold.directory.v1.archives_pb2 import AccountIds
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub


class DirectoryAccounts:
    """The accounts of the directory, by id."""

    def __init__(self, channel: Channel) -> None:
        self._stub = ArchivesStub(channel)

    async def states_of(self, accounts: Sequence[str]) -> tuple[Set[str], Set[str]]:
        """Those that are off (disabled or archived), and those that are gone for good. Raises ServiceError."""
        if not accounts:
            return frozenset(), frozenset()
        reply = await self._stub.StatesOfAccounts(AccountIds(ids=accounts))
        return frozenset(reply.off), frozenset(reply.gone)
