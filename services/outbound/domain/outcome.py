"""The outcome of an attempt for one recipient, and the event that records it."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

import msgspec

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.schedule import RetrySchedule
from shared.events.outbound import OutboundBounced, OutboundDeferred, OutboundDelivered, SendingAttempt
from shared.eventstore.event import Event


class SendingResult(StrEnum):
    """The outcome of an attempt for one recipient."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    DEFERRED = "deferred"
    PERHAPS_DELIVERED = "perhaps_delivered"
    """The connection broke after the message and before its reply."""


class Cause(StrEnum):
    """Whose fault a failure is. The values are stored in events."""

    RECIPIENT = "recipient"
    """The recipient or this mail alone."""
    DESTINATION = "destination"
    """The whole destination cannot be reached."""
    OURS = "ours"
    """A fault on this side: a log-in, a policy, the resolver. It never bounces mail before its expiry."""


class RecipientOutcome(msgspec.Struct, frozen=True):
    """The outcome for one recipient. Status and reason are those of the reply, or ours."""

    result: SendingResult
    status: str = "2.0.0"
    reason: str = ""
    cause: Cause = Cause.RECIPIENT
    is_dsn_passed_on: bool = False
    """Whether the next server takes over the reports of success (RFC 3461)."""


def decide(
    entry: QueueEntry,
    outcome: RecipientOutcome,
    attempt: SendingAttempt,
    now: int,
    schedule: RetrySchedule,
    chance: float,
    blocked_until: int = 0,
) -> Event:
    """The event that records an attempt. A fault of ours defers the mail, whatever the reply was."""
    queued = entry.queued
    match outcome.result:
        case SendingResult.DELIVERED:
            asks_success = "SUCCESS" in queued.notify.upper()
            relayed = asks_success and not outcome.is_dsn_passed_on
            return OutboundDelivered(queued.entry, queued.queue_id, queued.forward_path, attempt, relayed)
        case SendingResult.REFUSED if outcome.cause is not Cause.OURS:
            status, reason = outcome.status, outcome.reason
            return OutboundBounced(queued.entry, queued.queue_id, queued.forward_path, status, reason, attempt)
        case SendingResult.REFUSED | SendingResult.DEFERRED | SendingResult.PERHAPS_DELIVERED:
            in_doubt = outcome.result is SendingResult.PERHAPS_DELIVERED
            return OutboundDeferred(
                queued.entry,
                queued.queue_id,
                queued.forward_path,
                attempt,
                schedule.next_due(now, attempt.number, chance, perhaps_delivered=in_doubt),
                _temporary(outcome.status),
                outcome.reason,
                outcome.cause.value,
                in_doubt,
                blocked_until,
            )
        case _:
            assert_never(outcome.result)


def _temporary(status: str) -> str:
    """The status as one that may change: class 4 (RFC 3463 §2)."""
    return f"4{status[1:]}" if status.startswith("5") else status
