"""Events of the mailstore about who read mail, in the streams `reads:<day>`."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("message.searched")
class MailSearched(Event, frozen=True):
    """Somebody searched the mailboxes of an account outside of a session of its own. The actor is who did."""

    account: str
    """The id of the account whose mail it is."""
    messages: int
    """Messages that were shown."""


@stored("message.bodies_read")
class BodiesRead(Event, frozen=True):
    """Somebody read bodies of messages; those of some minutes are counted in one event. The actor is the reader."""

    account: str
    """The id of the account whose mail it is."""
    mailbox: str
    """The id."""
    protocol: str
    messages: int
