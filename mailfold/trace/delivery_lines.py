"""Lines about routes, plans, deliveries and failed steps."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.texts import moment
from mailfold.trace.names import Names
from shared.events import deadletters, delivery, lists
from shared.events.delivery import Step

_SHOWN = 20
_MEMORIES = {
    "vacation": "a sender has had a vacation response",
    "answer": "a vacation response counts",
    "duplicate": "a mail was seen by a script",
    "notice": "the owner has had a notice about the script",
    "redirect": "a script sent a mail on",
    "notify": "a script sent a notification",
}


def planned(event: delivery.DeliveryPlanned, names: Names) -> Iterator[str]:
    """The plan, with the decision for each recipient."""
    yield "planned"
    yield from (f"  route {route}" for route in event.routes)
    yield from (f"  {_step(step, names)}" for step in event.steps)


def list_expanded(event: delivery.DeliveryListExpanded, names: Names) -> Iterator[str]:
    """The steps for some members of a list; of very many only the first are shown."""
    last = ", the last part" if event.ended else ""
    yield f"list {event.address}, part {event.part + 1}: {len(event.steps)} step(s){last}"
    if event.reason:
        yield f"  {event.reason}"
    if event.blob:
        yield "  the list changes the header of the message"
    yield from (f"  {_step(step, names)}" for step in event.steps[:_SHOWN])
    if len(event.steps) > _SHOWN:
        yield f"  and {len(event.steps) - _SHOWN} more"


def member_bounced(event: lists.ListMemberBounced, _names: Names) -> Iterator[str]:
    """A bounce that counts for a member of a list."""
    yield f"a bounce of member {event.member} of list {event.id} counts: {event.status}, {event.bounces} by now"


def member_switched(event: lists.ListMemberSwitched, _names: Names) -> Iterator[str]:
    """A member of a list was paused, or gets posts again."""
    yield f"member {event.member} of list {event.id} {'gets no posts for now' if event.paused else 'gets posts again'}"


def settled(event: delivery.DeliverySettled, _names: Names) -> Iterator[str]:
    """The settlement: every step is done."""
    yield "delivery done"
    for outcome in event.outcomes:
        yield f"  {outcome.recipient}: {outcome.result}{f' ({outcome.detail})' if outcome.detail else ''}"


def bounced(event: delivery.DeliveryBounced, names: Names) -> Iterator[str]:
    """A step that was replaced by a bounce."""
    yield f"bounced for {event.recipient} (step {event.index}): {event.status} {event.reason}"
    yield from (f"  {_step(step, names)}" for step in event.steps)


def reported(event: delivery.DeliveryReported, names: Names) -> Iterator[str]:
    """The sender asked for reports of success."""
    yield f"success is reported to the sender for {', '.join(event.recipients)}"
    yield from (f"  {_step(step, names)}" for step in event.steps)


def script_sent(event: delivery.DeliveryScriptSent, names: Names) -> Iterator[str]:
    """What the script of an event in a mailbox sends."""
    yield f"the script of an event in a mailbox of {names.of(event.account)} sends"
    yield from (f"  {_step(step, names)}" for step in event.steps)
    yield from (f"  not sent: {refusal}" for refusal in event.refusals)


def remembered(event: delivery.DeliveryRemembered, names: Names) -> Iterator[str]:
    """What a script did is remembered."""
    what = _MEMORIES.get(event.kind, event.kind)
    yield f"{what} for {names.of(event.account)}, remembered until {moment(event.until)}"


def memories_forgotten(event: delivery.DeliveryMemoriesForgotten, names: Names) -> Iterator[str]:
    """An account is erased."""
    yield f"what scripts remembered for {names.of(event.account)} is forgotten"


def buried(event: deadletters.DeadLetterBuried, _names: Names) -> Iterator[str]:
    """A step that became a dead letter."""
    yield f"dead letter {event.id}: {event.what} could not be done in {event.attempts} attempt(s)"
    yield from (f"  {line}" for line in event.error.splitlines()[-5:])


def retried(event: deadletters.DeadLetterRetried, _names: Names) -> Iterator[str]:
    """A dead letter that an operator retried with success."""
    yield f"dead letter {event.id} was done again, and worked"


def failed_again(event: deadletters.DeadLetterFailedAgain, _names: Names) -> Iterator[str]:
    """A dead letter that failed again."""
    yield f"dead letter {event.id}: {event.attempts} more attempt(s) failed"
    yield from (f"  {line}" for line in event.error.splitlines()[-5:])


def resolved(event: deadletters.DeadLetterResolved, _names: Names) -> Iterator[str]:
    """A dead letter that was resolved without an operator."""
    yield f"dead letter {event.id} is resolved: {event.reason}"


def _step(step: Step, names: Names) -> str:
    where = {
        "store": f"into {step.mailbox or 'INBOX'} of {step.address or names.of(step.account)}",
        "enqueue": f"to {step.address}",
        "list": f"to the members of {step.address}",
        "hold": f"a post to {step.address} for a moderator",
        "decide": f"about the post {step.member}",
        "leave": f"the list of {step.address}",
        "count": f"a bounce of {step.address}",
        "refuse": f"the mail, and tells {step.address}",
        "answer": f"{step.address} with {step.generated}",
        "notify": f"{step.address} with {step.generated}",
        "remember": "that the mail was seen",
    }.get(step.action, "")
    notes = [
        f"rule {step.rule}" if step.rule else "",
        f"return path {step.reverse_path} of {step.original_sender}" if step.original_sender else "",
        step.reason,
        f"line {step.line} of the script" if step.line else "",
        f"moderator {step.moderator}" if step.moderator else "",
        "as spam" if step.spam else "",
        " ".join(step.flags),
    ]
    remarks = "; ".join(note for note in notes if note)
    return f"step {step.index} for {step.recipient}: {step.action} {where}".rstrip() + (
        f" ({remarks})" if remarks else ""
    )
