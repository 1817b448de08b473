"""Events of the switch of an account for the All Mail mailbox, in the stream of the account."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("account.all_mail_changed")
class AccountAllMailChanged(Event, frozen=True):
    """An account is to have an All Mail mailbox, or none, or what its domain says."""

    id: str
    value: str
    """`on`, `off`, or empty: the value of the domain counts."""
