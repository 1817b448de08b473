"""What a worker gave up: a dead letter of its service, and the reception is held until someone re-drives it (DESIGN
§2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from shared.bus.attempt import Exhausted, Handler
from shared.bus.subjects import Fact
from shared.eventstore.deadletters import DeadLetters, Redrive
from shared.eventstore.event import Actor, Provenance
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import HoldRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub

log = structlog.get_logger("deadletters")

QueueIdOf = Callable[[bytes], str]
"""The queue id that a payload names. Raises ValueError when the payload cannot be read."""


class HoldingLetters:
    """The dead letters of a service's workers. `actor` is the service, who buries them."""

    def __init__(self, letters: DeadLetters, ingress: Any, actor: Actor) -> None:
        self._letters = letters
        self._ingress: Any = IngressStub(ingress)
        self._actor = actor

    def of(self, fact: Fact, handler: Handler, queue_id_of: QueueIdOf) -> Exhausted:
        """Where a worker of `fact` gives up its payloads; a letter that is re-driven goes through `handler` again."""
        self._letters.redriven_by(fact.type, self._redrive(handler, queue_id_of))

        async def bury(payload: bytes, error: Exception) -> None:
            queue_id = _named(payload, queue_id_of)
            why = Provenance(self._actor, correlation=queue_id)
            letter = await self._letters.bury(fact.type, queue_id, repr(error), 0, payload, why)
            log.error("deadletters.buried", service=self._actor.id, letter=letter, queue_id=queue_id, error=repr(error))
            if queue_id:  # a payload that cannot be read names no reception to hold
                await self._ingress.Hold(HoldRequest(queue_id=queue_id, held=True, reason=f"dead letter {letter}"))

        return bury

    def _redrive(self, handler: Handler, queue_id_of: QueueIdOf) -> Redrive:
        async def redrive(payload: bytes) -> None:
            await handler(payload, 1)
            await self._ingress.Hold(HoldRequest(queue_id=queue_id_of(payload), held=False))

        return redrive


def _named(payload: bytes, queue_id_of: QueueIdOf) -> str:
    try:
        return queue_id_of(payload)
    except ValueError:
        return ""
