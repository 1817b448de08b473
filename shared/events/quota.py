"""Events about the quota of an account, in the stream of the account."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("quota.warned")
class QuotaWarned(Event, frozen=True):
    """An account uses so much of its quota that its owner is notified, once until it has fallen clearly below."""

    account: str
    percent: int
    """The warning: 80 or 95 per cent."""
    report: str
    """The queue id of the notification."""
    used_bytes: int
    used_messages: int
    limit_bytes: int
    """0: no limit; `limit_messages` too."""
    limit_messages: int


@stored("quota.eased")
class QuotaEased(Event, frozen=True):
    """An account uses clearly less of its quota again."""

    account: str
    percent: int
    """The warning that is still in force, or 0."""


@stored("quota.notified")
class QuotaNotified(Event, frozen=True):
    """The notification of a warning was accepted for delivery; an empty `report`: the account no longer exists."""

    account: str
    report: str
