"""Events about steps that could not be done."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("deadletter.buried")
class DeadLetterBuried(Event, frozen=True):
    """A step was refused, or failed at each of its attempts; the reception it belongs to is held."""

    id: str
    what: str
    queue_id: str
    error: str
    attempts: int
    payload: bytes


@stored("deadletter.failed_again")
class DeadLetterFailedAgain(Event, frozen=True):
    """A later try of the same step failed as well."""

    id: str
    queue_id: str
    error: str
    attempts: int
    """Of this try alone."""


@stored("deadletter.resolved")
class DeadLetterResolved(Event, frozen=True):
    """The step needs nobody any more: a later try of it was done, or its mail was settled."""

    id: str
    queue_id: str
    reason: str


@stored("deadletter.retried")
class DeadLetterRetried(Event, frozen=True):
    """Someone had the step done again, and it was done."""

    id: str
    queue_id: str = ""
