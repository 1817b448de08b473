"""A changed script is announced to delivery; the change stands when delivery is away."""

from __future__ import annotations

from typing import Any

from services.mailstore.handlers.script_announcing import ScriptAnnouncing
from shared.grpc.errors import TimedOut, Unavailable
from shared.rpc.mailfold.delivery.v1.scriptchanges_pb2 import FollowScriptsReply


class DeliveryInMemory:
    """A channel to a delivery that answers, or is away."""

    def __init__(self) -> None:
        self.owners: list[str] = []
        self.error: Exception | None = None

    def unary_unary(self, path: str, *_: Any, **__: Any) -> Any:
        async def call(request: Any, timeout: float | None = None) -> FollowScriptsReply:  # noqa: ASYNC109
            assert path.endswith("/FollowScripts") and timeout
            if self.error is not None:
                raise self.error
            self.owners.append(request.owner)
            return FollowScriptsReply()

        return call


async def test_delivery_is_asked_to_follow_and_may_be_away() -> None:
    delivery = DeliveryInMemory()
    announcing = ScriptAnnouncing(delivery)  # type: ignore[arg-type]
    await announcing.announce("a1")
    for error in (Unavailable("away"), TimedOut("slow")):
        delivery.error = error
        await announcing.announce("a2")
    assert delivery.owners == ["a1"]
