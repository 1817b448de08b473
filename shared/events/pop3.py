"""Events of the switch of an account for POP3, in the stream of the account."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("account.pop3_changed")
class AccountPop3Changed(Event, frozen=True):
    """An account may be read with POP3, or may not, or what its domain says counts."""

    id: str
    value: str
    """`on`, `off`, or empty: the value of the domain counts."""
