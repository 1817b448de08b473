"""Serves the ScriptSending contract."""

from __future__ import annotations

from typing import Any

from services.delivery.handlers.script_sending import ScriptSending, Wish
from shared.rpc.mailfold.delivery.v1 import scriptsending_pb2 as pb
from shared.rpc.mailfold.delivery.v1.scriptsending_pb2_grpc import ScriptSendingServicer


class ScriptSendingEndpoint(ScriptSendingServicer):
    """Sends for scripts of events in mailboxes."""

    def __init__(self, sending: ScriptSending) -> None:
        self._sending = sending

    async def SendForScript(self, request: pb.SendForScriptRequest, context: Any) -> pb.SendForScriptReply:
        wish = Wish(request.account, request.key, request.blob, request.prefix, request.action)
        refusals, is_repeated = await self._sending.send(wish)
        return pb.SendForScriptReply(refusals=refusals, repeated=is_repeated)
