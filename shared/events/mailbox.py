"""Events of the mailstore, in the stream of the account.

The version of an event is the MODSEQ of what it changed. One command on many messages is one event with UID ranges.
UIDs, UIDVALIDITY and thread ids are recorded, never computed again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shared.eventstore.event import Event, stored, upcast

Uids = tuple[tuple[int, int], ...]
"""Ranges of UIDs, first to last, ascending."""


class NewMailbox(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mailbox when it is created."""

    id: str
    name: str
    uid_validity: int
    special_use: str = ""
    subscribed: bool = True


class NewEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message when it is stored in a mailbox."""

    entry: str
    uid: int
    blob: str
    size: int
    """Octets of prefix and body, which is RFC822.SIZE."""
    internal_date: int
    """Microseconds since 1970 UTC."""
    content: str
    """EMAILID (RFC 8474), which copies within the account share."""
    thread: str
    flags: tuple[str, ...] = ()
    prefix: bytes = b""
    message_id: str = ""
    subject: str = ""
    zone: int = 0
    """Minutes east of UTC of the zone in which the internal date was given."""


@stored("mailbox.account_opened")
class AccountOpened(Event, frozen=True):
    """The account was given its default mailboxes."""

    account: str
    mailboxes: tuple[NewMailbox, ...]


@stored("mailbox.created")
class MailboxCreated(Event, frozen=True):
    """A mailbox was created."""

    account: str
    mailbox: NewMailbox


@stored("mailbox.renamed", schema=2)
class MailboxRenamed(Event, frozen=True):
    """Mailboxes have new names, because a rename includes all inferiors. Each is (mailbox id, new name)."""

    account: str
    names: tuple[tuple[str, str], ...]
    uid_validities: tuple[tuple[str, int], ...] = ()
    """(mailbox id, new UIDVALIDITY) of each mailbox whose new name another had with the same or a higher one."""
    carries_subscriptions: bool = False
    """Whether subscriptions of the old names moved to the new names."""


@stored("mailbox.deleted")
class MailboxDeleted(Event, frozen=True):
    """A mailbox and its messages were deleted; they remain in the event history."""

    account: str
    mailbox: str
    name: str


@stored("mailbox.subscribed")
class MailboxSubscribed(Event, frozen=True):
    """A name was subscribed or unsubscribed."""

    account: str
    name: str
    subscribed: bool


@stored("message.delivered")
class MessageDelivered(Event, frozen=True):
    """An accepted mail was stored in a mailbox. Its key (queue id, recipient, index) prevents a second copy."""

    account: str
    mailbox: str
    queue_id: str
    recipient: str
    index: int
    entry: NewEntry
    spam: bool = False


@stored("message.appended")
class MessageAppended(Event, frozen=True):
    """A client appended messages to a mailbox."""

    account: str
    mailbox: str
    entries: tuple[NewEntry, ...]


@stored("message.flags_changed")
class FlagsChanged(Event, frozen=True):
    """Flags of messages were added, removed or replaced; `uids` are the messages whose flags changed."""

    account: str
    mailbox: str
    uids: Uids
    mode: str
    """`add`, `remove` or `replace`."""
    flags: tuple[str, ...]


@stored("message.copied", schema=2)
class MessagesCopied(Event, frozen=True):
    """Messages were copied to a mailbox of the account: the n-th of `uids` has UID `first_uid` + n there."""

    account: str
    source: str
    target: str
    uids: Uids
    first_uid: int
    entries: str
    """The prefix of the new entry ids: the n-th copy is the entry `<entries>.<n>`."""
    contents: tuple[str, ...] = ()
    """Like `contents` of MessagesMoved."""


@stored("message.moved", schema=2)
class MessagesMoved(Event, frozen=True):
    """Messages were moved to a mailbox of the account: the n-th of `uids` has UID `first_uid` + n there.

    Their entry ids stay the same.
    """

    account: str
    source: str
    target: str
    uids: Uids
    first_uid: int
    contents: tuple[str, ...] = ()
    """Blob ids in the order of UIDs, when one of the mailboxes is Spam. The classifier may read them after the messages
    were moved again or removed."""


@stored("message.expunged")
class MessagesExpunged(Event, frozen=True):
    """Messages were removed from a mailbox for good."""

    account: str
    mailbox: str
    uids: Uids


@upcast("mailbox.renamed", 1)
def _without_uid_validities(data: dict[str, Any]) -> dict[str, Any]:
    """Upcast from the first schema, which changed names only."""
    return data


@upcast("message.copied", 1)
@upcast("message.moved", 1)
def _without_contents(data: dict[str, Any]) -> dict[str, Any]:
    """Upcast from the first schema, which did not name contents."""
    return data
