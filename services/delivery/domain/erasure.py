"""What delivery records of the mails of a deleted account."""

from __future__ import annotations

import msgspec

from services.delivery.domain.plan import StepAction
from shared.erasure.mail_marks import Mark
from shared.events.delivery import (
    DeliveryBounced,
    DeliveryListExpanded,
    DeliveryPlanned,
    DeliveryRemembered,
    DeliveryReported,
    DeliveryScriptSent,
    DeliverySettled,
)
from shared.events.mail import Message
from shared.events.moderation import PostHeld, PostRefused
from shared.eventstore.event import Event

_FOR_NOBODY = frozenset({StepAction.DISCARD.value, StepAction.BOUNCE.value})


def mark_of(event: Event, account: str) -> tuple[str, Mark]:
    """The queue id of a mail that is planned, and whether it goes to the account alone, to others too, or not to it.

    A post that is held for moderators is the account's that wrote it.
    """
    if isinstance(event, PostHeld):
        return event.post, Mark.WHOLE if event.account == account else Mark.NONE
    if not isinstance(event, DeliveryPlanned | DeliveryListExpanded):
        return "", Mark.NONE
    theirs = [step.account == account for step in event.steps if step.action not in _FOR_NOBODY]
    if not any(theirs):
        return event.queue_id, Mark.NONE
    alone = all(theirs) and isinstance(event, DeliveryPlanned)
    return event.queue_id, Mark.WHOLE if alone else Mark.PART


def without_contents(event: Event) -> Event | None:
    """An event of a mail that was only the account's, without addresses and texts."""
    match event:
        case DeliveryPlanned():
            return msgspec.structs.replace(event, steps=(), routes=())
        case DeliveryRemembered():
            return msgspec.structs.replace(event, key="", until=0)
        case DeliveryScriptSent():
            return msgspec.structs.replace(event, key="", steps=(), refusals=())
        case DeliveryListExpanded():
            return msgspec.structs.replace(event, recipient="", address="", steps=(), header=b"", reason="")
        case DeliveryBounced():
            return msgspec.structs.replace(event, recipient="", reason="", steps=())
        case DeliveryReported():
            return msgspec.structs.replace(event, recipients=(), steps=())
        case PostHeld():
            message = Message(event.message.blob, event.message.size)
            return msgspec.structs.replace(
                event, reverse_path="", message=message, poster="", spam_headers=b"", dmarc=None, arc=None
            )
        case PostRefused():
            return msgspec.structs.replace(event, text="")
        case DeliverySettled():
            return msgspec.structs.replace(event, outcomes=())
        case _:
            return None
