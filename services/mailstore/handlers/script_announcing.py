"""Lets delivery know of changed scripts before the change is answered, so that the next mail meets it."""

from __future__ import annotations

import structlog

from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.rpc.mailfold.delivery.v1.scriptchanges_pb2 import FollowScriptsRequest
from shared.rpc.mailfold.delivery.v1.scriptchanges_pb2_grpc import ScriptChangesStub

log = structlog.get_logger("scripts")
_SECONDS = 2.0
"""Seconds for which the answer waits for delivery; the doorbell reaches it later in any case."""


class ScriptAnnouncing:
    """Announces changes. The change is committed already, so nothing that goes wrong here is its failure."""

    def __init__(self, delivery: Channel) -> None:
        self._stub = ScriptChangesStub(delivery)

    async def announce(self, owner: str) -> None:
        """Return when delivery knows the scripts of an owner as they are now, or does not answer in time."""
        try:
            await self._stub.FollowScripts(FollowScriptsRequest(owner=owner), timeout=_SECONDS)
        except ServiceError as error:
            log.info("scripts.not_announced", owner=owner, error=str(error))
