"""A mailbox store whose scripts are used through their contract."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from services.mailstore.endpoints.scripts import ScriptsEndpoint
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.scripts import ScriptCommands
from shared.clock import Clock, SystemClock
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.grpc.call import acting
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.ids import IdKind, Ids
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub, add_ScriptsServicer_to_server
from shared.scripts.settings import SieveSettings
from tests.integration.mailstore.counted import ACCOUNT, counted_mailstore


class _Accounts(Quotas):
    """Replaces the directory, which has all accounts but one."""

    def __init__(self) -> None: ...

    async def has_account(self, account: str) -> bool:
        return account != "a-nobody"


class _NoUsers(Owners):
    """Replaces the directory; no call is made in the name of a user."""

    def __init__(self) -> None: ...

    async def check(self, account: str, method: str) -> bool:
        return False


class ScriptedMailstore:
    """The contract of scripts, called as the operator."""

    def __init__(self, store: EventStore, clock: Clock, settings: SieveSettings) -> None:
        self.store = store
        self._ids = Ids(clock)
        self.announced: list[str] = []
        self.endpoint = ScriptsEndpoint(
            store, ScriptCommands(store, _Accounts(), clock, settings), _NoUsers(), settings, self._announce
        )
        methods = methods_of("mailstore", ((add_ScriptsServicer_to_server, self.endpoint),))
        channel: Any = LocalChannel(methods, "operator", 30.0)
        self._stub = ScriptsStub(channel)

    async def _announce(self, owner: str) -> None:
        self.announced.append(owner)

    async def call(self, method: str, command: str = "", **fields: Any) -> Any:
        """Call a method about the account; with a given command id the call is a repeat."""
        request = getattr(pb, f"{method}Request")(**{"owner": ACCOUNT, **fields})
        provenance = Provenance(Actor("operator", "root"), command=command or self._ids.new(IdKind.COMMAND))
        with acting(provenance):
            return await getattr(self._stub, method)(request)

    async def put(self, name: str, source: str, **fields: Any) -> pb.ScriptReply:
        """Store a script."""
        reply: pb.ScriptReply = await self.call("PutScript", name=name, source=source.encode(), **fields)
        return reply

    async def names(self, owner: str = ACCOUNT) -> dict[str, list[str]]:
        """The places of the owner's scripts, by their names."""
        listed = await self.call("ListScripts", owner=owner)
        return {script.name: list(script.places) for script in listed.scripts}

    async def stamp(self) -> str:
        """The stamp of all scripts."""
        return str((await self.call("ListPlaces", owner="", limit=1)).stamp)

    async def differences(self) -> int:
        """How many rows `verify` finds that do not come from the events."""
        return len((await self.store.verify()).differences)


@contextlib.asynccontextmanager
async def scripted_mailstore(
    database: Any, settings: SieveSettings | None = None, clock: Clock | None = None
) -> AsyncIterator[ScriptedMailstore]:
    """A store that is open for the length of a block; a path is a SQLite file."""
    clock = clock or SystemClock()
    async with counted_mailstore(database, steps=False, clock=clock) as counted:
        yield ScriptedMailstore(counted.store, clock, settings or SieveSettings())


def smaller(**limits: Any) -> SieveSettings:
    """The default settings with other limits, also such that an operator could not give."""
    return msgspec.structs.replace(SieveSettings(), **limits)
