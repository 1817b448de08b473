"""Events of the mailstore about messages that were removed, in the stream of the account.

A removed message is kept until the undelete window ends, and can be brought back until then.
"""

from __future__ import annotations

from shared.events.mailbox import Uids
from shared.eventstore.event import Event, stored


@stored("message.restored")
class MessagesRestored(Event, frozen=True):
    """Removed messages were brought back: the n-th of `uids` has UID `first_uid` + n in the target.

    Their entry ids and flags stay the same, except that none is marked \\Deleted.
    """

    account: str
    source: str
    """The mailbox from which they were removed, which may be gone."""
    target: str
    """The mailbox in which they are now; mostly the same one."""
    uids: Uids
    """The UIDs that they had in the source."""
    first_uid: int


@stored("message.forgotten")
class RemovedForgotten(Event, frozen=True):
    """Messages that were removed by events up to a version cannot be brought back any more."""

    account: str
    through: int
    """The version of the last of these events."""
