"""Which decisions a sender is notified of (RFC 3461 §4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from services.outbound.domain.entry import QueueEntry
from shared.events.outbound import OutboundBounced, OutboundDelayed, OutboundDelivered, OutboundExpired
from shared.eventstore.event import Event

Decided = tuple[QueueEntry, Event]


class ReportKind(StrEnum):
    """The kinds of notifications that the queue writes. The values are stored in events and are actions of RFC 3464."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


def reported(decided: Sequence[Decided], kind: ReportKind) -> list[Decided]:
    """The decisions of which the sender is notified in a report of this kind."""
    return [pair for pair in decided if _kind_of(pair[1]) is kind and _is_requested(pair[0], kind)]


def _kind_of(event: Event) -> ReportKind | None:
    match event:
        case OutboundBounced() | OutboundExpired():
            return ReportKind.FAILED
        case OutboundDelayed():
            return ReportKind.DELAYED
        case OutboundDelivered(relayed=True):
            return ReportKind.RELAYED
        case _:
            return None


def _is_requested(entry: QueueEntry, kind: ReportKind) -> bool:
    """Whether the sender's NOTIFY asks for it. Without NOTIFY, failures and delays are reported."""
    words = frozenset(entry.queued.notify.upper().replace(" ", "").split(",")) - {""}
    match kind:
        case ReportKind.FAILED:
            return not words or "FAILURE" in words
        case ReportKind.DELAYED:
            return not words or "DELAY" in words
        case ReportKind.RELAYED:
            return "SUCCESS" in words
