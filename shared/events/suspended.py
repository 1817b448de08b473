"""Events of submissions that wait for their release although it is due, because their account is not in use.

Their stream is the queue id.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("mail.submission_suspended")
class SubmissionSuspended(Event, frozen=True):
    """The time of release has come, but the account, its user or its domain is disabled, or the account is archived."""

    queue_id: str
    account: str


@stored("mail.submission_resumed")
class SubmissionResumed(Event, frozen=True):
    """The account is in use again: the mail is released at its time, or at once."""

    queue_id: str
    account: str
