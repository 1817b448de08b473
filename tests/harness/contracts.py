"""Calls to the running services with the operator's credential: what the command does, without a process start for
each.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from mailfold.operator.running import read_tokens
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.channel import RemoteChannel
from shared.grpc.policy import OPERATOR
from shared.places import Places
from shared.rpc.mailfold.classifier.v1.classifier_pb2 import LearningReply, LearningRequest
from shared.rpc.mailfold.classifier.v1.classifier_pb2_grpc import ClassifierStub
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import ListReceptionsRequest, Reception
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub
from shared.rpc.mailfold.outbound.v1.outbound_pb2 import ListQueueRequest, QueueEntry
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

T = TypeVar("T")
_CALL_SECONDS = 30.0


class Contracts:
    """Blocking calls; one loop in a thread of its own carries them, over all restarts of the server."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._channels: dict[str, RemoteChannel] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="operator", daemon=True)
        self._thread.start()

    def ask(self, service: str, stub: Callable[[Any], Any], method: str, request: Any) -> Any:
        """One unary call. Raises ServiceError."""
        return self.wait(self._call(service, stub, method, request))

    def ask_many(self, service: str, stub: Callable[[Any], Any], method: str, requests: Sequence[Any]) -> list[Any]:
        """The same method for many requests at once, answers in their order. Raises the first ServiceError."""

        async def calls() -> list[Any]:
            return list(await asyncio.gather(*(self._call(service, stub, method, request) for request in requests)))

        return self.wait(calls())

    def learning(self) -> LearningReply:
        """What the spam filter has seen."""
        reply: LearningReply = self.ask("classifier", ClassifierStub, "Learning", LearningRequest())
        return reply

    def receptions(self) -> list[Reception]:
        """Mails accepted and not yet settled."""
        return list(self.ask("ingress", IngressStub, "ListReceptions", ListReceptionsRequest(limit=10_000)).receptions)

    def queue(self) -> list[QueueEntry]:
        """Mail waiting for other servers."""
        return list(self.ask("outbound", OutboundStub, "List", ListQueueRequest(limit=10_000)).entries)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop of the calls."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_SECONDS)

    def close(self) -> None:
        """Let go of the connections and the thread."""
        for channel in self._channels.values():
            self.wait(channel.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _call(self, service: str, stub: Callable[[Any], Any], method: str, request: Any) -> Any:
        with acting(Provenance(Actor(OPERATOR))):
            return await getattr(stub(self._channel(service)), method)(request)

    def _channel(self, service: str) -> RemoteChannel:
        if service not in self._channels:
            token = read_tokens(self._places)[service]
            self._channels[service] = RemoteChannel(self._places.socket(service), OPERATOR, token)
        return self._channels[service]
