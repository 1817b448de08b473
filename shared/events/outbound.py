"""Events of the outbound queue. Stream: the queue entry's id."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("outbound.queued")
class OutboundQueued(Event, frozen=True):
    """A copy for another server was taken over: it will be handed on or bounced."""

    entry: str
    queue_id: str
    recipient: str
    index: int
    blob: str
    prefix: bytes
    size: int
    reverse_path: str
    forward_path: str
    notify: str = ""
    orcpt: str = ""
    ret: str = ""
    envid: str = ""
    eight_bit: bool = False
    smtputf8: bool = False
    message_id: str = ""
