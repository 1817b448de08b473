"""NOTIFY: which events of which mailboxes a client wants to hear of (RFC 5465)."""

from enum import Enum

import msgspec

from shared.protocol.imap.commands import Command
from shared.protocol.imap.fetch import FetchItem


class NotifyEvent(Enum):
    """The events of RFC 5465 §5 that this server has; the value is the name on the wire."""

    MESSAGE_NEW = b"MessageNew"
    MESSAGE_EXPUNGE = b"MessageExpunge"
    FLAG_CHANGE = b"FlagChange"
    MAILBOX_NAME = b"MailboxName"
    SUBSCRIPTION_CHANGE = b"SubscriptionChange"
    MAILBOX_METADATA_CHANGE = b"MailboxMetadataChange"
    SERVER_METADATA_CHANGE = b"ServerMetadataChange"


MESSAGE_EVENTS = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE})
NEW_AND_EXPUNGE = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE})


class NotifyFilter(Enum):
    """The mailboxes that a group concerns (RFC 5465 §6)."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    MAILBOXES = b"MAILBOXES"


SELECTED_FILTERS = frozenset({NotifyFilter.SELECTED, NotifyFilter.SELECTED_DELAYED})


class EventGroup(msgspec.Struct, frozen=True):
    """Events of some mailboxes; no events for `NONE`. `names` are those of SUBTREE and MAILBOXES.

    `items` are what is fetched of each new message of the selected mailbox (§5.2).
    """

    filter: NotifyFilter
    names: tuple[str, ...]
    events: frozenset[NotifyEvent]
    items: tuple[FetchItem, ...] = ()


class ImapNotify(Command, frozen=True):
    """NOTIFY SET with its groups, or NOTIFY NONE without any. `status`: begin with the state of the mailboxes."""

    groups: tuple[EventGroup, ...] = ()
    status: bool = False
