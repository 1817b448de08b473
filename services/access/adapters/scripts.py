"""The scripts of the mailstore, as sessions use them. Every method raises ServiceError.

Writes need a command id in the current provenance, so that they can be repeated.
"""

from __future__ import annotations

from services.access.adapters.patience import Patience
from shared.grpc.channel import Channel
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub


class ScriptsClient:
    """Has one method for each call of the contract that ManageSieve needs."""

    def __init__(self, channel: Channel, patience: Patience) -> None:
        self._stub = ScriptsStub(channel)
        self._patience = patience

    async def listed(self, account: str) -> pb.ScriptList:
        """The scripts of an account without their sources, and the limits."""
        return await self._patience.call(self._stub.ListScripts, pb.ListScriptsRequest(owner=account))

    async def source(self, account: str, name: str) -> bytes:
        """The source of a script, octet by octet as it was put. Raises NotFound."""
        reply = await self._patience.call(self._stub.GetScript, pb.GetScriptRequest(owner=account, name=name))
        return reply.script.source.encode()

    async def put(self, account: str, name: str, source: bytes) -> pb.ScriptReply:
        """Store a script. Raises Invalid when it has errors, LimitReached."""
        request = pb.PutScriptRequest(owner=account, name=name, source=source)
        return await self._patience.call(self._stub.PutScript, request)

    async def check(self, account: str, source: bytes) -> pb.CheckScriptReply:
        """The errors and warnings of a script that is not stored. Raises LimitReached."""
        return await self._patience.call(self._stub.CheckScript, pb.CheckScriptRequest(owner=account, source=source))

    async def activate(self, account: str, name: str) -> None:
        """Let a script be the active one; with an empty name there is none. Raises NotFound."""
        await self._patience.call(self._stub.ActivateScript, pb.ActivateScriptRequest(owner=account, name=name))

    async def rename(self, account: str, name: str, new_name: str) -> None:
        """Rename a script; an active one stays active. Raises NotFound, AlreadyExists."""
        request = pb.RenameScriptRequest(owner=account, name=name, new_name=new_name)
        await self._patience.call(self._stub.RenameScript, request)

    async def delete(self, account: str, name: str) -> None:
        """Delete a script. Raises NotFound, and NotNow for the active one."""
        await self._patience.call(self._stub.DeleteScript, pb.DeleteScriptRequest(owner=account, name=name))
