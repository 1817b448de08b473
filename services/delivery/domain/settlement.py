"""The last word on a mail as it goes over the bus."""

from __future__ import annotations

import msgspec

from shared.events.limits import LARGEST_EVENT
from shared.events.mail import MailSettled, Outcome
from shared.eventstore.event import encode


def settlement(queue_id: str, outcomes: tuple[Outcome, ...]) -> MailSettled:
    """What the ingress is told. Of very many recipients only what became of each: why is in delivery's own log."""
    event = MailSettled(queue_id, outcomes)
    if len(encode(event)) <= LARGEST_EVENT:
        return event
    return MailSettled(queue_id, tuple(msgspec.structs.replace(outcome, detail="") for outcome in outcomes))
