r"""Events about the \Seen that each user of a shared mailbox has alone, in the stream of the account that owns it.

The annotation `entry_name.SEEN_ENTRY` of a mailbox says whether \Seen is each user's own there. The owner's \Seen is
that of `FlagsChanged`.
"""

from __future__ import annotations

from shared.events.mailbox import Uids
from shared.eventstore.event import Event, stored


@stored("message.own_seen_changed")
class OwnSeenChanged(Event, frozen=True):
    r"""A user of a mailbox that others share has set \Seen, or taken it away, for himself; `uids` are messages for
    which it was different before."""

    account: str
    """The owner of the mailbox."""
    mailbox: str
    reader: str
    r"""The account whose \Seen it is. Empty: that of all who have not set any yet."""
    uids: Uids
    seen: bool


@stored("message.own_seen_forgotten")
class OwnSeenForgotten(Event, frozen=True):
    r"""The \Seen of a user in all mailboxes of the account ends, because the user's account was removed."""

    account: str
    reader: str
