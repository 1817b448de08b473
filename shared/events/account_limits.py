"""Events of the directory about what accounts and applications may hold, in the stream `account:<id>`."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("account.size_limit_changed")
class AccountSizeLimitChanged(Event, frozen=True):
    """The largest message to or from an account or application was changed."""

    id: str
    max_message_size: int
    """Octets; 0: only the limits of its domain and of the server count."""


@stored("account.application_quota_changed")
class ApplicationQuotaChanged(Event, frozen=True):
    """The quota of an application was changed."""

    id: str
    quota_bytes: int
    """0: no limit; `quota_messages` too."""
    quota_messages: int
