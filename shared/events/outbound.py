"""Events of the outbound queue, in the stream of the queue entry."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("outbound.queued")
class OutboundQueued(Event, frozen=True):
    """A copy for another server was put into the queue; it will be sent or bounced."""

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
