"""An entry of the queue as its stream records it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundDeferred,
    OutboundDelayed,
    OutboundDelivered,
    OutboundExpired,
    OutboundHeld,
    OutboundQueued,
    OutboundReleased,
    OutboundRescheduled,
    OutboundSignaturePlaced,
    OutboundSignatureSkipped,
)
from shared.eventstore.event import Event, Recorded


class EntryState(StrEnum):
    """Where an entry is. The first two are in the queue; the others are final."""

    WAITING = "waiting"
    HELD = "held"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class QueueEntry(msgspec.Struct, frozen=True):
    """One recipient of one mail."""

    queued: OutboundQueued
    at: int
    """When it was queued, in UTC microseconds."""
    since: int
    """When its age began: when it was queued, or last released."""
    due: int
    state: EntryState = EntryState.WAITING
    attempts: int = 0
    status: str = ""
    reason: str = ""
    is_notified: bool = False
    is_signature_recorded: bool = False
    """Whether an earlier attempt has recorded what became of the mail signature."""
    version: int = 1
    """The version of its stream, which the next append expects."""

    @property
    def id(self) -> str:
        """The entry id."""
        return self.queued.entry

    @property
    def is_open(self) -> bool:
        """Whether the entry is still in the queue."""
        return self.state in (EntryState.WAITING, EntryState.HELD)


def entry_of(history: Iterable[Recorded]) -> QueueEntry | None:
    """The entry of a whole stream; None for an empty one."""
    entry: QueueEntry | None = None
    for recorded in history:
        entry = evolve(entry, recorded)
    return entry


def evolve(entry: QueueEntry | None, recorded: Recorded) -> QueueEntry | None:
    """The entry after one more event of its stream."""
    if isinstance(recorded.event, OutboundQueued):
        return QueueEntry(recorded.event, recorded.at, recorded.at, recorded.at, version=recorded.version)
    if entry is None:
        return None
    return msgspec.structs.replace(_evolved(entry, recorded.event, recorded.at), version=recorded.version)


def _evolved(entry: QueueEntry, event: Event, at: int) -> QueueEntry:
    change = msgspec.structs.replace
    match event:
        case OutboundDeferred():
            number, status = event.attempt.number, event.status
            return change(entry, due=event.due, attempts=number, status=status, reason=event.reason)
        case OutboundDelayed():
            return change(entry, is_notified=True)
        case OutboundSignaturePlaced() | OutboundSignatureSkipped():
            return change(entry, is_signature_recorded=True)
        case OutboundHeld(_, _, reason, until):
            return change(entry, state=EntryState.HELD, reason=reason, due=until)
        case OutboundReleased():
            return change(entry, state=EntryState.WAITING, since=at, due=at, reason="")
        case OutboundRescheduled(_, _, due):
            return change(entry, due=due)
        case _:
            return _ended(entry, event)


def _ended(entry: QueueEntry, event: Event) -> QueueEntry:
    change = msgspec.structs.replace
    match event:
        case OutboundDelivered():
            return change(entry, state=EntryState.DELIVERED, attempts=event.attempt.number, status="2.0.0", reason="")
        case OutboundBounced(_, _, _, status, reason):
            return change(entry, state=EntryState.BOUNCED, status=status, reason=reason)
        case OutboundExpired(_, _, _, status, reason):
            return change(entry, state=EntryState.EXPIRED, status=status, reason=reason)
        case OutboundCancelled(_, _, reason):
            return change(entry, state=EntryState.CANCELLED, reason=reason)
        case _:
            return entry
