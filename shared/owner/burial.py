"""The dead letters of a service's steps; no other module records or resolves them.

A step that cannot be done becomes a dead letter, and the reception of its mail is held: the ingress repeats it rarely.
When a later attempt succeeds, or the mail is settled in another way, the dead letter is resolved.
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
"""Dead letters that are compared at a time with the receptions they hold."""
_LATER_TRY = "a later try was done"
_SETTLED = "its mail is settled"


class Hold(Protocol):
    """Asks the ingress to hold a reception or to resume it."""

    async def __call__(self, queue_id: str, *, held: bool, reason: str = "") -> bool:
        """Hold or resume; False when the mail is settled already. Raises ServiceError or StoreUnavailable."""


class WorkStep(NamedTuple):
    """How a worker does a step, and how it makes it a dead letter."""

    handle: Handler
    bury: Bury


class Burial:
    """Records and resolves the dead letters of one service; `actor` is that service."""

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
        """Load the open dead letters from the open store, and compare them with receptions from time to time."""
        await self._dead_letters.load()
        self._comparing.start()

    async def stop(self) -> None:
        """Stop comparing."""
        await self._comparing.stop()

    def redriven(self, what: str, handler: Handler) -> None:
        """Register how the step `what` is retried on demand; afterwards its reception is resumed."""

        async def redrive(payload: bytes) -> None:
            await handler(payload, 1)
            if queue_id := queue_id_of(payload):
                await self._ask(queue_id, held=False)

        self._dead_letters.redriven_by(what, redrive)

    def step(self, what: str, handler: Handler) -> WorkStep:
        """A worker's step: `handler` does it, also on demand; success resolves its dead letter, and failure records
        one."""
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
        """Record a step that cannot be done as a dead letter, and hold the reception of its mail.

        Raises StoreUnavailable when it cannot be recorded and nobody would send it again.
        """
        queue_id, provenance = queue_id_of(payload), self._provenance(payload)
        try:
            dead_letter = await self._dead_letters.bury(what, queue_id, repr(error), attempts, payload, provenance)
        except StoreUnavailable as unavailable:
            if not queue_id:
                raise
            log.warning("deadletters.not_buried", service=self._actor.id, queue_id=queue_id, error=str(unavailable))
            return  # the ingress repeats the mail, and the next failure is recorded
        log.error(
            "deadletters.buried", service=self._actor.id, dead_letter=dead_letter, queue_id=queue_id, error=repr(error)
        )
        if queue_id:  # a payload without a queue id has no reception to hold
            await self._compare(queue_id, dead_letter)
            # another attempt succeeded while this one was being recorded
            if not self._dead_letters.is_open(what, queue_id):
                await self._ask(queue_id, held=False)

    async def heal(self, what: str, payload: bytes) -> None:
        """Resolve the dead letter of a step that was done, and resume its reception. Raises StoreUnavailable."""
        if not self._dead_letters.any_open:
            return
        queue_id = queue_id_of(payload)
        if self._dead_letters.is_open(what, queue_id):
            await self._dead_letters.resolve(queue_id, _LATER_TRY, self._provenance(payload), what)
            log.info("deadletters.healed", service=self._actor.id, what=what, queue_id=queue_id)
            await self._ask(queue_id, held=False)

    async def settled(self, queue_id: str) -> None:
        """Resolve all dead letters of a settled mail. Raises StoreUnavailable."""
        if self._dead_letters.holds(queue_id):
            await self._dead_letters.resolve(queue_id, _SETTLED, Provenance(self._actor, correlation=queue_id))

    async def compare(self) -> None:
        """Hold the receptions of open dead letters, and resolve the dead letters of settled mail.

        This finds cases that leave no other trace, such as a successful attempt beside the last failing one. A number
        of dead letters is compared at a time. Raises StoreUnavailable.
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
        """Hold or resume a reception; False when its mail is known to be settled.

        When the ingress does not answer, `compare` asks it later.
        """
        with acting(Provenance(self._actor, correlation=queue_id)):
            try:
                return await self._hold(queue_id, held=held, reason=reason)
            except (ServiceError, StoreUnavailable) as error:
                log.warning("deadletters.not_held", service=self._actor.id, queue_id=queue_id, error=str(error))
                return True

    async def _has_crashed(self, what: str, payload: bytes) -> bool:
        """Whether this step is known to end its process; then it is tried once for each repeat of the mail."""
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
    """The field that every event of a mail has; the rest may have a form that this release does not know."""

    queue_id: str = ""


_named = msgspec.json.Decoder(_Named)


def queue_id_of(payload: bytes) -> str:
    """The queue id in a payload; empty when it cannot be read."""
    try:
        return _named.decode(payload).queue_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _is_crash(dead_letter: DeadLetter) -> bool:
    return dead_letter.error.startswith(DeliveriesExhausted.__name__)
