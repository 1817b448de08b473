"""Calls running services with the operator's credential, like the command, but without starting a process for each
call."""

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
_CALL_SECONDS = 60.0


class Contracts:
    """Blocking calls. An event loop in a thread makes them, also across restarts of the server."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._channels: dict[str, RemoteChannel] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="operator", daemon=True)
        self._thread.start()

    def ask(self, service: str, stub: Callable[[Any], Any], method: str, request: Any) -> Any:
        """Make one unary call. Raises ServiceError."""
        return self.wait(self._call(service, stub, method, request))

    def ask_many(self, service: str, stub: Callable[[Any], Any], method: str, requests: Sequence[Any]) -> list[Any]:
        """Call the same method for many requests at once; replies are in their order. Raises the first ServiceError."""

        async def calls() -> list[Any]:
            return list(await asyncio.gather(*(self._call(service, stub, method, request) for request in requests)))

        return self.wait(calls())

    def learning(self) -> LearningReply:
        """The lessons that the spam filter has learned."""
        reply: LearningReply = self.ask("classifier", ClassifierStub, "Learning", LearningRequest())
        return reply

    def receptions(self) -> list[Reception]:
        """The mails that are accepted and not settled yet."""
        return list(self.ask("ingress", IngressStub, "ListReceptions", ListReceptionsRequest(limit=10_000)).receptions)

    def queue(self) -> list[QueueEntry]:
        """The mails that wait for other servers."""
        return list(self.ask("outbound", OutboundStub, "List", ListQueueRequest(limit=10_000)).entries)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work on the event loop of the calls."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_SECONDS)

    def close(self) -> None:
        """Close the connections and end the thread."""
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
