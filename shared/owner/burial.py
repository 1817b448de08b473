"""The dead letters of a service's steps: the one place that buries them, and lets them heal.

A step that cannot be done becomes a dead letter, and the reception of its mail is held: the ingress repeats it rarely.
When a later try succeeds, or the mail is settled by another way, the dead letter is resolved by itself.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec
import structlog

from shared.background import BackgroundTask, every
from shared.bus.attempt import Bury, Handler
from shared.bus.errors import DeliveriesExhausted
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.deadletters import DeadLetter, DeadLetters
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import HoldRequest
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub

log = structlog.get_logger("deadletters")

COMPARE_SECONDS = 30.0
_COMPARED = 200
"""Dead letters compared at once with the receptions that they hold."""
_LATER_TRY = "a later try was done"
_SETTLED = "its mail is settled"


class Hold(Protocol):
    """Asks the ingress to hold a reception, or to let it move again."""

    async def __call__(self, queue_id: str, *, held: bool, reason: str = "") -> bool:
        """False when the mail is settled and needs nobody any more. Raises ServiceError or StoreUnavailable."""


class WorkStep(NamedTuple):
    """How a worker does a step, and how it gives one up."""

    handle: Handler
    bury: Bury


class Burial:
    """The dead letters of one service. `actor` is the service, which buries them."""

    def __init__(self, dead_letters: DeadLetters, hold: Hold, actor: Actor) -> None:
        self._dead_letters = dead_letters
        self._hold = hold
        self._actor = actor
        self._after = ""
        self._comparing = BackgroundTask(
            actor.id,
            "deadletters",
            every(COMPARE_SECONDS, self.compare),
            longest=4 * COMPARE_SECONDS,
            not_now=(StoreUnavailable,),
        )

    async def start(self) -> None:
        """Learn what waits; the store is open. Compare it from time to time."""
        await self._dead_letters.load()
        self._comparing.start()

    async def stop(self) -> None:
        """Compare no more."""
        await self._comparing.stop()

    def redriven(self, what: str, handler: Handler) -> None:
        """Say how the step `what` is done on demand; its reception moves again after that."""

        async def redrive(payload: bytes) -> None:
            await handler(payload, 1)
            if queue_id := queue_id_of(payload):
                await self._ask(queue_id, held=False)

        self._dead_letters.redriven_by(what, redrive)

    def step(self, what: str, handler: Handler) -> WorkStep:
        """A worker's step with its healing and its burial; `handler` does it, also on demand."""
        self.redriven(what, handler)

        async def handle(payload: bytes, count: int) -> None:
            if count > 1 and await self._has_crashed(what, payload):
                return
            await handler(payload, count)
            await self.heal(what, payload)

        async def bury(payload: bytes, count: int, error: Exception) -> None:
            await self.bury(what, payload, count, error)

        return WorkStep(handle, bury)

    async def bury(self, what: str, payload: bytes, attempts: int, error: Exception) -> None:
        """Keep a step that cannot be done as a dead letter, and hold the reception of its mail.

        Raises StoreUnavailable when it cannot be kept and nobody would send it again.
        """
        queue_id, provenance = queue_id_of(payload), self._provenance(payload)
        try:
            dead_letter = await self._dead_letters.bury(what, queue_id, repr(error), attempts, payload, provenance)
        except StoreUnavailable as unavailable:
            if not queue_id:
                raise
            log.warning("deadletters.not_buried", service=self._actor.id, queue_id=queue_id, error=str(unavailable))
            return  # the ingress repeats the mail, and the next failure is buried
        log.error(
            "deadletters.buried", service=self._actor.id, dead_letter=dead_letter, queue_id=queue_id, error=repr(error)
        )
        if queue_id:  # a payload that names no mail has no reception to hold
            await self._compare(queue_id, dead_letter)
            if not self._dead_letters.is_open(what, queue_id):  # another try was done while this one was buried
                await self._ask(queue_id, held=False)

    async def heal(self, what: str, payload: bytes) -> None:
        """A step was done: its dead letter is resolved, and its reception moves again. Raises StoreUnavailable."""
        if not self._dead_letters.any_open:
            return
        queue_id = queue_id_of(payload)
        if self._dead_letters.is_open(what, queue_id):
            await self._dead_letters.resolve(queue_id, _LATER_TRY, self._provenance(payload), what)
            log.info("deadletters.healed", service=self._actor.id, what=what, queue_id=queue_id)
            await self._ask(queue_id, held=False)

    async def settled(self, queue_id: str) -> None:
        """The mail needs nobody any more: all its dead letters are resolved. Raises StoreUnavailable."""
        if self._dead_letters.holds(queue_id):
            await self._dead_letters.resolve(queue_id, _SETTLED, Provenance(self._actor, correlation=queue_id))

    async def compare(self) -> None:
        """Hold what a dead letter should hold, and resolve the dead letters of mail that was settled meanwhile: a try
        that succeeds beside the last one that fails leaves no other trace. Some at a time. Raises StoreUnavailable.
        """
        if not self._dead_letters.any_open:
            return
        dead_letters = await self._dead_letters.waiting(after=self._after, limit=_COMPARED)
        self._after = dead_letters[-1].id if len(dead_letters) == _COMPARED else ""
        for dead_letter in dead_letters:
            if dead_letter.queue_id:
                await self._compare(dead_letter.queue_id, dead_letter.id)

    async def _compare(self, queue_id: str, dead_letter_id: str) -> None:
        if not await self._ask(queue_id, held=True, reason=f"dead letter {dead_letter_id}"):
            await self.settled(queue_id)

    async def _ask(self, queue_id: str, *, held: bool, reason: str = "") -> bool:
        """Whether the mail is not settled, as far as is known. What the ingress cannot be asked now is asked when dead
        letters and receptions are compared.
        """
        with acting(Provenance(self._actor, correlation=queue_id)):
            try:
                return await self._hold(queue_id, held=held, reason=reason)
            except (ServiceError, StoreUnavailable) as error:
                log.warning("deadletters.not_held", service=self._actor.id, queue_id=queue_id, error=str(error))
                return True

    async def _has_crashed(self, what: str, payload: bytes) -> bool:
        """Whether this step is known to end its process: then it is tried once for each repeat of the mail."""
        queue_id = queue_id_of(payload) if self._dead_letters.any_open else ""
        if not self._dead_letters.is_open(what, queue_id):
            return False
        dead_letter = await self._dead_letters.of_step(what, queue_id)
        return dead_letter is not None and _is_crash(dead_letter)

    def _provenance(self, payload: bytes) -> Provenance:
        return Provenance(self._actor, correlation=queue_id_of(payload))


def ingress_hold(channel: Channel) -> Hold:
    """`Hold` as a call of the ingress."""
    ingress = IngressStub(channel)

    async def hold(queue_id: str, *, held: bool, reason: str = "") -> bool:
        reply = await ingress.Hold(HoldRequest(queue_id=queue_id, held=held, reason=reason))
        return not reply.settled

    return hold


class _Named(msgspec.Struct, frozen=True):
    """What every event of a mail has; the rest may be of a shape that this release does not know."""

    queue_id: str = ""


_named = msgspec.json.Decoder(_Named)


def queue_id_of(payload: bytes) -> str:
    """The mail that a payload names; empty when it cannot be read."""
    try:
        return _named.decode(payload).queue_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _is_crash(dead_letter: DeadLetter) -> bool:
    return dead_letter.error.startswith(DeliveriesExhausted.__name__)
