"""Events about how long messages stay in mailboxes.

Those of the directory are in the stream `expiry`, those of the mailstore in the stream of the account.
"""

from __future__ import annotations

from shared.events.mailbox import Uids
from shared.eventstore.event import Event, stored


@stored("expiry.server_rule_changed")
class ServerExpiryChanged(Event, frozen=True):
    """The setting of the server for all Trash or Spam mailboxes is another one since this start."""

    use: str
    """`trash` or `spam`."""
    days: int
    """0: never."""
    previous: int


@stored("mailbox.expiry_changed")
class MailboxExpiryChanged(Event, frozen=True):
    """The rule of one mailbox was set or taken away."""

    account: str
    mailbox: str
    days: int
    """0: never; -1: the rule of the domain or server counts."""


@stored("message.expired")
class MessagesExpired(Event, frozen=True):
    """Messages were removed for good, because they had been in the mailbox for so many days."""

    account: str
    mailbox: str
    uids: Uids
    days: int
