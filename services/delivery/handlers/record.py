"""The delivery of a mail as its stream records it: the plan, the bounces that changed it, and whether it is settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set

import msgspec

from services.delivery.domain.list_progress import ListProgress
from services.delivery.domain.plan import StepAction
from shared.events.delivery import (
    DeliveryBounced,
    DeliveryListExpanded,
    DeliveryPlanned,
    DeliveryReported,
    DeliverySettled,
    Step,
)
from shared.events.mail import LARGEST_EVENT, MailSettled, Outcome
from shared.eventstore.event import Recorded, encode

_RESULTS = (
    (StepAction.STORE, "delivered"),
    (StepAction.LIST, "delivered"),
    (StepAction.LEAVE, "delivered"),
    (StepAction.COUNT, "delivered"),
    (StepAction.DECIDE, "delivered"),
    (StepAction.HOLD, "held"),
    (StepAction.ENQUEUE, "queued"),
    (StepAction.REFUSE, "refused"),
)


class DeliveryRecord(msgspec.Struct, frozen=True):
    """The recorded state of a mail's delivery."""

    planned: bool = False
    steps: tuple[Step, ...] = ()
    """The steps to carry out. A bounced step is replaced by the steps of its notification."""
    bounced: tuple[DeliveryBounced, ...] = ()
    next_index: int = 0
    is_reported: bool = False
    """Whether the reports of success are among the steps."""
    lists: ListProgress = ListProgress()
    """How far the mail has come with the mailing lists among its recipients."""
    settled: tuple[Outcome, ...] | None = None
    version: int = 0
    """The version of the stream, which the next append expects."""


NOTHING = DeliveryRecord()


def record_of(history: Sequence[Recorded], before: DeliveryRecord = NOTHING) -> DeliveryRecord:
    """The record of a mail's whole stream, or the record `before` with the events after it."""
    for recorded in history:
        before = evolve(before, recorded)
    return before


def evolve(record: DeliveryRecord, recorded: Recorded) -> DeliveryRecord:
    """The record after one more event."""
    return msgspec.structs.replace(_with_event(record, recorded), version=recorded.version)


def _with_event(record: DeliveryRecord, recorded: Recorded) -> DeliveryRecord:
    match recorded.event:
        case DeliveryPlanned(_, steps):
            lists = record.lists.begin(steps)
            return msgspec.structs.replace(record, planned=True, steps=steps, next_index=len(steps), lists=lists)
        case DeliveryListExpanded() as part:
            highest = max([record.next_index, *(step.index + 1 for step in part.steps)])
            return msgspec.structs.replace(record, lists=record.lists.expand(part), next_index=highest)
        case DeliveryBounced() as bounce:
            steps = (*(step for step in record.steps if step.index != bounce.index), *bounce.steps)
            highest = max([record.next_index, *(step.index + 1 for step in bounce.steps)])
            return msgspec.structs.replace(record, steps=steps, bounced=(*record.bounced, bounce), next_index=highest)
        case DeliveryReported(_, _, steps):
            highest = max([record.next_index, *(step.index + 1 for step in steps)])
            return msgspec.structs.replace(record, steps=(*record.steps, *steps), is_reported=True, next_index=highest)
        case DeliverySettled(_, outcomes):
            return msgspec.structs.replace(record, settled=outcomes)
        case _:
            return record


def outcomes_of(recipients: Iterable[str], record: DeliveryRecord) -> tuple[Outcome, ...]:
    """The outcome of each recipient.

    It is *delivered* when any copy was stored, *held* when a list holds it for its moderators, *queued* when a copy was
    enqueued, *refused* when a script has refused it, else *bounced* or *discarded*.
    """
    actions: dict[str, set[str]] = defaultdict(set)
    for step in record.steps:
        if not step.blob or step.action == StepAction.REFUSE:
            actions[step.recipient].add(step.action)
    bounced = {event.recipient: event for event in reversed(record.bounced)}
    return tuple(_outcome(recipient, actions[recipient], bounced.get(recipient)) for recipient in recipients)


def _outcome(recipient: str, actions: Set[str], bounced: DeliveryBounced | None) -> Outcome:
    for action, result in _RESULTS:
        if action in actions:
            return Outcome(recipient, result)
    if bounced is not None:
        return Outcome(recipient, "bounced", f"{bounced.status} {bounced.reason}")
    return Outcome(recipient, "discarded")


def settlement(queue_id: str, outcomes: tuple[Outcome, ...]) -> MailSettled:
    """The event for the bus that reports the outcomes of a mail.

    When there are very many recipients it has only the outcome of each; the reasons are in delivery's own events.
    """
    event = MailSettled(queue_id, outcomes)
    if len(encode(event)) <= LARGEST_EVENT:
        return event
    return MailSettled(queue_id, tuple(msgspec.structs.replace(outcome, detail="") for outcome in outcomes))
