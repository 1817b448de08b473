"""Which mailboxes a command means (RFC 5465 §6, RFC 7377 §2.2)."""

from enum import Enum

import msgspec


class MailboxScope(Enum):
    """How a filter chooses mailboxes; the value is the wire text.

    Whether mail is delivered to a mailbox is up to scripts, so INBOXES means PERSONAL (RFC 5465 §6.4).
    """

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    CHILDREN = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


OF_SELECTED = frozenset({MailboxScope.SELECTED, MailboxScope.SELECTED_DELAYED})
NAMED = frozenset({MailboxScope.SUBTREE, MailboxScope.CHILDREN, MailboxScope.MAILBOXES})
"""Scopes that names follow."""


class MailboxFilter(msgspec.Struct, frozen=True):
    """A choice of mailboxes, with the names of SUBTREE, SUBTREE-ONE and MAILBOXES.

    A name that no mailbox can have is left out, as one that no mailbox has would be.
    """

    scope: MailboxScope
    names: tuple[str, ...] = ()
