"""Lines about routes, plans, hand-overs and steps that could not be done."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.trace.names import Names
from shared.events import deadletters, delivery, outbound
from shared.events.delivery import Step


def planned(event: delivery.DeliveryPlanned, names: Names) -> Iterator[str]:
    """The decision for each recipient."""
    yield "planned"
    yield from (f"  route {route}" for route in event.routes)
    yield from (f"  {_step(step, names)}" for step in event.steps)


def settled(event: delivery.DeliverySettled, _names: Names) -> Iterator[str]:
    """Every step is done."""
    yield "delivery done"
    for outcome in event.outcomes:
        yield f"  {outcome.recipient}: {outcome.result}{f' ({outcome.detail})' if outcome.detail else ''}"


def bounced(event: delivery.DeliveryBounced, names: Names) -> Iterator[str]:
    """A step became a bounce."""
    yield f"bounced for {event.recipient} (step {event.index}): {event.status} {event.reason}"
    yield from (f"  {_step(step, names)}" for step in event.steps)


def queued(event: outbound.OutboundQueued, _names: Names) -> Iterator[str]:
    """Handed to the outbound queue."""
    yield f"queued for <{event.forward_path}> as {event.entry}, MAIL FROM:<{event.reverse_path}>, {event.size} octets"


def buried(event: deadletters.DeadLetterBuried, _names: Names) -> Iterator[str]:
    """A step could not be done."""
    yield f"dead letter {event.id}: {event.what} could not be done in {event.attempts} attempt(s)"
    yield from (f"  {line}" for line in event.error.splitlines()[-5:])


def retried(event: deadletters.DeadLetterRetried, _names: Names) -> Iterator[str]:
    """It was done after all."""
    yield f"dead letter {event.id} was done again, and worked"


def failed_again(event: deadletters.DeadLetterFailedAgain, _names: Names) -> Iterator[str]:
    """A later try failed as well."""
    yield f"dead letter {event.id}: {event.attempts} more attempt(s) failed"
    yield from (f"  {line}" for line in event.error.splitlines()[-5:])


def resolved(event: deadletters.DeadLetterResolved, _names: Names) -> Iterator[str]:
    """It healed by itself."""
    yield f"dead letter {event.id} is resolved: {event.reason}"


def _step(step: Step, names: Names) -> str:
    where = {
        "store": f"into {step.mailbox or 'INBOX'} of {step.address or names.of(step.account)}",
        "enqueue": f"to {step.address}",
    }.get(step.action, "")
    notes = [
        f"rule {step.rule}" if step.rule else "",
        step.reason,
        "as spam" if step.spam else "",
        " ".join(step.flags),
    ]
    remarks = "; ".join(note for note in notes if note)
    return f"step {step.index} for {step.recipient}: {step.action} {where}".rstrip() + (
        f" ({remarks})" if remarks else ""
    )
