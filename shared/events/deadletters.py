"""Facts about steps that could not be done."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("deadletter.buried")
class DeadLetterBuried(Event, frozen=True):
    """A step was given up after its attempts; the reception it belongs to is held."""

    id: str
    what: str
    queue_id: str
    error: str
    attempts: int
    payload: bytes


@stored("deadletter.retried")
class DeadLetterRetried(Event, frozen=True):
    """Someone had the step done again, and it was done."""

    id: str
    queue_id: str = ""
