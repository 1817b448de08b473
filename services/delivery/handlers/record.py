"""What the log says of a mail's delivery: the plan, the bounces that changed it, and whether it is settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set

import msgspec

from services.delivery.domain.plan import StepAction
from shared.events.delivery import DeliveryBounced, DeliveryPlanned, DeliverySettled, Step
from shared.events.mail import LARGEST_EVENT, MailSettled, Outcome
from shared.eventstore.event import Recorded, encode


class DeliveryRecord(msgspec.Struct, frozen=True):
    """A mail's delivery so far."""

    planned: bool = False
    steps: tuple[Step, ...] = ()
    """What is to be done: bounced steps are replaced by theirs."""
    bounced: tuple[DeliveryBounced, ...] = ()
    next_index: int = 0
    settled: tuple[Outcome, ...] | None = None
    version: int = 0
    """Of the stream: what is decided next is appended behind it."""


NOTHING = DeliveryRecord()


def record_of(history: Sequence[Recorded], before: DeliveryRecord = NOTHING) -> DeliveryRecord:
    """Fold a mail's stream, or what came to it since `before`."""
    for recorded in history:
        before = evolve(before, recorded)
    return before


def evolve(record: DeliveryRecord, recorded: Recorded) -> DeliveryRecord:
    """One more event."""
    return msgspec.structs.replace(_evolved(record, recorded), version=recorded.version)


def _evolved(record: DeliveryRecord, recorded: Recorded) -> DeliveryRecord:
    match recorded.event:
        case DeliveryPlanned(_, steps):
            return msgspec.structs.replace(record, planned=True, steps=steps, next_index=len(steps))
        case DeliveryBounced() as bounce:
            steps = (*(step for step in record.steps if step.index != bounce.index), *bounce.steps)
            highest = max([record.next_index, *(step.index + 1 for step in bounce.steps)])
            return msgspec.structs.replace(record, steps=steps, bounced=(*record.bounced, bounce), next_index=highest)
        case DeliverySettled(_, outcomes):
            return msgspec.structs.replace(record, settled=outcomes)
        case _:
            return record


def outcomes_of(recipients: Iterable[str], record: DeliveryRecord) -> tuple[Outcome, ...]:
    """What became of each recipient: delivered when any copy of it was stored, queued when one was enqueued, else
    bounced or discarded.
    """
    actions: dict[str, set[str]] = defaultdict(set)
    for step in record.steps:
        if not step.blob:
            actions[step.recipient].add(step.action)
    bounced = {event.recipient: event for event in reversed(record.bounced)}
    return tuple(_outcome(recipient, actions[recipient], bounced.get(recipient)) for recipient in recipients)


def _outcome(recipient: str, actions: Set[str], bounced: DeliveryBounced | None) -> Outcome:
    for action, result in ((StepAction.STORE, "delivered"), (StepAction.ENQUEUE, "queued")):
        if action in actions:
            return Outcome(recipient, result)
    if bounced is not None:
        return Outcome(recipient, "bounced", f"{bounced.status} {bounced.reason}")
    return Outcome(recipient, "discarded")


def settlement(queue_id: str, outcomes: tuple[Outcome, ...]) -> MailSettled:
    """The last word on a mail as it goes over the bus. Of very many recipients it says only what became of each; the
    reasons are in delivery's own log.
    """
    event = MailSettled(queue_id, outcomes)
    if len(encode(event)) <= LARGEST_EVENT:
        return event
    return MailSettled(queue_id, tuple(msgspec.structs.replace(outcome, detail="") for outcome in outcomes))
