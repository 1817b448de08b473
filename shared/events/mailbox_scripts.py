"""Events of scripts that run for what clients do in mailboxes (RFC 6785), in the stream of the account."""

from __future__ import annotations

from shared.events.mailbox import Uids
from shared.eventstore.event import Event, stored

APPEND, COPY, FLAG = "APPEND", "COPY", "FLAG"
"""The causes of RFC 6785 §4.2; a MOVE is a COPY in its target."""


@stored("mailbox_script.due")
class MailboxScriptDue(Event, frozen=True):
    """A client did something in a mailbox whose annotation, or that of the server, names a script."""

    account: str
    mailbox: str
    """The id of the mailbox in which the messages are."""
    cause: str
    uids: Uids
    changed_flags: tuple[str, ...] = ()
    """For FLAG: the flags that were set or taken away."""


@stored("mailbox_script.ran")
class MailboxScriptRan(Event, frozen=True):
    """The script ran over some messages of a due event; what it decided was done in the same commit."""

    account: str
    mailbox: str
    due: int
    """The version of the due event."""
    through: int
    """All messages up to this UID are done."""
    is_last: bool
    script: str = ""
    """Its name; empty: none was found."""
    messages: int = 0
    """Messages over which it ran; those that have vanished are not counted."""
    failed: int = 0
    """Messages that stay as they are because of an error."""
    error: str = ""
    """The first error."""
