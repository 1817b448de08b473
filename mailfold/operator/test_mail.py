"""Sends a test mail and waits for its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mailfold.operator import log
from mailfold.operator.session import Session
from shared.events.mail import MailHeld, MailResumed, MailSettled, Outcome
from shared.events.outbound import OutboundQueued

if TYPE_CHECKING:
    from mailfold.trace.story import LoggedEvent
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EntryHistory

_LOOK_SECONDS = 0.25
_OPEN = ("waiting", "held")


class SentTestMail(NamedTuple):
    """A test mail, and what is known of it."""

    queue_id: str
    message_id: str
    outcomes: Sequence[Outcome]
    """The outcomes for recipients on this server."""
    sent: Sequence[EntryHistory]
    """The histories of the copies for other servers."""
    held: str
    """The step of which service cannot be done; empty when there is none."""
    in_time: bool
    """Whether the outcome for every recipient was known in time."""

    @property
    def arrived(self) -> bool:
        """Whether every copy was delivered here or to the next server."""
        here = all(row.result == "delivered" for row in self.outcomes)
        return self.in_time and here and all(history.entry.state == "delivered" for history in self.sent)


async def send_test_mail(session: Session, sender: str, recipient: str, seconds: float) -> SentTestMail:
    """Send a test mail and wait so many seconds. Raises CommandFailed when no server runs, Invalid for an address."""
    from shared.rpc.mailfold.ingress.v1.ingress_pb2 import SubmitTestRequest
    from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressStub

    end = time.monotonic() + seconds
    stub = IngressStub(await session.running("ingress"))
    reply = await stub.SubmitTest(SubmitTestRequest(sender=sender, recipient=recipient))
    while True:
        tried = await _known(session, reply.queue_id, reply.message_id)
        left = end - time.monotonic()
        if tried.in_time or left <= 0 or _waits_longer(tried, time.time_ns() // 1000 + int(left * 1_000_000)):
            return tried
        await asyncio.sleep(_LOOK_SECONDS)


async def _known(session: Session, queue_id: str, message_id: str) -> SentTestMail:
    """What is known now."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EntryRequest
    from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

    events = await log.trace(session, queue_id)
    stub = OutboundStub(await session.running("outbound"))
    entries = [recorded.event.entry for recorded in events if isinstance(recorded.event, OutboundQueued)]
    sent = [await stub.Show(EntryRequest(id=entry)) for entry in entries]
    settled = _settled(events, queue_id)
    here = [row for row in settled.outcomes if row.result != "queued"] if settled is not None else []
    queued = len(settled.outcomes) - len(here) if settled is not None else 0
    all_known = settled is not None and len(sent) >= queued
    in_time = all_known and not any(history.entry.state in _OPEN for history in sent)
    return SentTestMail(queue_id, message_id, here, sent, _hold_of(events, queue_id), in_time)


def _waits_longer(tried: SentTestMail, end: int) -> bool:
    """Whether nothing more will happen until a time in UTC microseconds: every copy is held, or tried again later."""
    waiting = [history.entry for history in tried.sent if history.entry.state in _OPEN]
    return bool(waiting) and all(
        not entry.in_hand and (entry.due > end or (entry.state == "held" and not entry.due)) for entry in waiting
    )


def _settled(events: Sequence[LoggedEvent], queue_id: str) -> MailSettled | None:
    for recorded in events:
        if isinstance(event := recorded.event, MailSettled) and event.queue_id == queue_id:
            return event
    return None


def _hold_of(events: Sequence[LoggedEvent], queue_id: str) -> str:
    """Why the mail is held because of a step that cannot be done; empty when it is not."""
    reason = ""
    for recorded in events:
        match recorded.event:
            case MailHeld(held, text) if held == queue_id:
                reason = text or "a step cannot be done"
            case MailResumed(held) if held == queue_id:
                reason = ""
            case _:
                pass
    return reason
