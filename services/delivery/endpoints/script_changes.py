"""Serves the ScriptChanges contract."""

from __future__ import annotations

from typing import Any

from shared.rpc.mailfold.delivery.v1 import scriptchanges_pb2 as pb
from shared.rpc.mailfold.delivery.v1.scriptchanges_pb2_grpc import ScriptChangesServicer
from shared.scripts.active import ActiveScripts


class ScriptChangesEndpoint(ScriptChangesServicer):
    """Follows changed scripts at once."""

    def __init__(self, scripts: ActiveScripts) -> None:
        self._scripts = scripts

    async def FollowScripts(self, request: pb.FollowScriptsRequest, context: Any) -> pb.FollowScriptsReply:
        await self._scripts.follow(request.owner)
        return pb.FollowScriptsReply()
