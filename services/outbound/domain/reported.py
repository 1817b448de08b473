"""Which decisions a sender is notified of (RFC 3461 §4.1), and which of them share a notification."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from services.outbound.domain.entry import QueueEntry
from shared.events.outbound import OutboundBounced, OutboundDelayed, OutboundDelivered, OutboundExpired
from shared.eventstore.event import Event
from shared.protocol.dsn.action import DsnAction, is_reported

EntryDecision = tuple[QueueEntry, Event]
REPORT_KINDS = (DsnAction.FAILED, DsnAction.DELAYED, DsnAction.RELAYED)
"""The kinds of notifications that the queue writes."""


def by_mail(decisions: Sequence[EntryDecision]) -> list[list[EntryDecision]]:
    """The decisions of each mail and sender together, so that no sender is notified of another one's mail."""

    def mail(pair: EntryDecision) -> tuple[str, str, str]:
        queued = pair[0].queued
        return queued.queue_id, queued.blob, queued.reverse_path

    return [list(group) for _, group in groupby(sorted(decisions, key=mail), key=mail)]


def decisions_to_report(decisions: Sequence[EntryDecision], kind: DsnAction) -> list[EntryDecision]:
    """The decisions of which the sender is notified in a report of this kind."""
    return [pair for pair in decisions if _kind_of(pair[1]) is kind and is_reported(pair[0].queued.notify, kind)]


def _kind_of(event: Event) -> DsnAction | None:
    match event:
        case OutboundBounced() | OutboundExpired():
            return DsnAction.FAILED
        case OutboundDelayed():
            return DsnAction.DELAYED
        case OutboundDelivered(relayed=True):
            return DsnAction.RELAYED
        case _:
            return None
