"""Events of the mailbox store. Stream: the account's id; its version is the MODSEQ of what the event changed.

One command on many messages is one event with UID ranges. UIDs, UIDVALIDITY and thread ids are recorded, never computed
again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shared.eventstore.event import Event, stored, upcast

Uids = tuple[tuple[int, int], ...]
"""Ranges of UIDs, first to last, ascending."""


class NewMailbox(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mailbox as it is made."""

    id: str
    name: str
    uid_validity: int
    special_use: str = ""
    subscribed: bool = True


class NewEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as it enters a mailbox."""

    entry: str
    uid: int
    blob: str
    size: int
    """Octets of prefix and body: RFC822.SIZE."""
    internal_date: int
    content: str
    """EMAILID (RFC 8474): shared by copies within the account."""
    thread: str
    flags: tuple[str, ...] = ()
    prefix: bytes = b""
    message_id: str = ""
    subject: str = ""


@stored("mailbox.account_opened")
class AccountOpened(Event, frozen=True):
    """The account has its default mailboxes."""

    account: str
    mailboxes: tuple[NewMailbox, ...]


@stored("mailbox.created")
class MailboxCreated(Event, frozen=True):
    """A mailbox was made."""

    account: str
    mailbox: NewMailbox


@stored("mailbox.renamed", schema=2)
class MailboxRenamed(Event, frozen=True):
    """Mailboxes have new names: a rename takes its inferiors along. Pairs of (mailbox id, new name)."""

    account: str
    names: tuple[tuple[str, str], ...]
    uid_validities: tuple[tuple[str, int], ...] = ()
    """(mailbox id, new UIDVALIDITY) of those whose new name another mailbox bore with the same or a higher one."""
    carries_subscriptions: bool = False
    """Whether subscriptions of the old names moved to the new names."""


@stored("mailbox.deleted")
class MailboxDeleted(Event, frozen=True):
    """A mailbox and what was in it are gone from view; the time machine still has them."""

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
    """An accepted mail lies in a mailbox. The key (queue id, recipient, index) makes it once."""

    account: str
    mailbox: str
    queue_id: str
    recipient: str
    index: int
    entry: NewEntry
    spam: bool = False


@stored("message.appended")
class MessageAppended(Event, frozen=True):
    """A client put messages into a mailbox."""

    account: str
    mailbox: str
    entries: tuple[NewEntry, ...]


@stored("message.flags_changed")
class FlagsChanged(Event, frozen=True):
    """Flags of messages were added, removed or replaced. `uids` names those whose flags did change."""

    account: str
    mailbox: str
    uids: Uids
    mode: str
    """`add`, `remove` or `replace`."""
    flags: tuple[str, ...]


@stored("message.copied", schema=2)
class MessagesCopied(Event, frozen=True):
    """Messages were copied to another mailbox of the account: the n-th of `uids` has UID `first_uid` + n there."""

    account: str
    source: str
    target: str
    uids: Uids
    first_uid: int
    entries: str
    """The n-th copy is the entry `<entries>.<n>`: a new entry whose origin is the message copied."""
    contents: tuple[str, ...] = ()
    """As in `message.moved`."""


@stored("message.moved", schema=2)
class MessagesMoved(Event, frozen=True):
    """Messages were moved to another mailbox of the account: the n-th of `uids` has UID `first_uid` + n there. Entries
    live on.
    """

    account: str
    source: str
    target: str
    uids: Uids
    first_uid: int
    contents: tuple[str, ...] = ()
    """Blob ids, ascending by UID, when one of both mailboxes is for junk: whoever learns from it may come when the
    messages have moved on or are gone."""


@stored("message.expunged")
class MessagesExpunged(Event, frozen=True):
    """Messages left a mailbox for good."""

    account: str
    mailbox: str
    uids: Uids


@upcast("mailbox.renamed", 1)
def _without_uid_validities(data: dict[str, Any]) -> dict[str, Any]:
    """The first schema changed names alone."""
    return data


@upcast("message.copied", 1)
@upcast("message.moved", 1)
def _without_contents(data: dict[str, Any]) -> dict[str, Any]:
    """The first schema did not name contents: none are known."""
    return data
