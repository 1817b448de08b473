"""Events about steps that failed for good."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("deadletter.buried")
class DeadLetterBuried(Event, frozen=True):
    """A step was refused, or failed at each of its attempts; the reception of its mail is held."""

    id: str
    what: str
    queue_id: str
    error: str
    attempts: int
    payload: bytes


@stored("deadletter.failed_again")
class DeadLetterFailedAgain(Event, frozen=True):
    """A later attempt at the same step failed as well."""

    id: str
    queue_id: str
    error: str
    attempts: int
    """The attempts of this try alone."""


@stored("deadletter.resolved")
class DeadLetterResolved(Event, frozen=True):
    """The dead letter is resolved: a later attempt succeeded, or the mail was settled."""

    id: str
    queue_id: str
    reason: str


@stored("deadletter.retried")
class DeadLetterRetried(Event, frozen=True):
    """An operator retried the step, and it succeeded."""

    id: str
    queue_id: str = ""
