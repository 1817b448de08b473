"""Events about the right of a user to send as the account of another user. Their stream is that of the user."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("sendas.granted")
class SendAsGranted(Event, frozen=True):
    """A user may send as an account of another user, until either of them is gone."""

    user: str
    """The id of the user who may."""
    account: str
    """The id of the account: a later account with the same address is another one."""


@stored("sendas.revoked")
class SendAsRevoked(Event, frozen=True):
    """A user may not send as an account any more."""

    user: str
    account: str
