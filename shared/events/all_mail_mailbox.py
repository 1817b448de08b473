"""Events about the All Mail mailbox of an account: a mailbox that shows the messages of all other mailboxes.

Its UIDs follow from the order of the account's events: a message gets the next one when it first comes into a mailbox
that All Mail shows, and keeps it while it moves between such mailboxes.
"""

from __future__ import annotations

from shared.events.mailbox import NewMailbox, Uids
from shared.eventstore.event import Event, stored


@stored("mailbox.all_mail_made")
class AllMailMade(Event, frozen=True):
    """The account has an All Mail mailbox from now on, which shows each message that comes."""

    account: str
    mailbox: NewMailbox
    without: tuple[str, ...]
    """The special uses of the mailboxes whose messages it does not show."""


@stored("mailbox.all_mail_filled")
class AllMailFilled(Event, frozen=True):
    """All Mail shows messages that a mailbox had before All Mail was made."""

    account: str
    mailbox: str
    """The id of the All Mail mailbox."""
    source: str
    uids: Uids


@stored("mailbox.all_mail_ended")
class AllMailEnded(Event, frozen=True):
    """The account has no All Mail mailbox any more; the messages stay in their mailboxes."""

    account: str
    mailbox: str
    name: str
