"""The state that decisions about an account need, loaded beforehand as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from services.mailstore.domain.flags import Flags
from shared.protocol.imap.mailbox_name import INBOX, canonical_name
from shared.protocol.imap.ranges import Ranges, count

JUNK, TRASH, ARCHIVE, ALL = "\\Junk", "\\Trash", "\\Archive", "\\All"
# The mailboxes that every account begins with, and their special uses.
DEFAULTS = (
    (INBOX, ""),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Spam", JUNK),
    ("Trash", TRASH),
    ("Archive", ARCHIVE),
)
DefaultMailboxes = tuple[tuple[str, str], ...]
"""Names with their special uses."""
SPECIAL_USES = frozenset(use for _, use in DEFAULTS if use) | {"\\Flagged", ALL}


def default_mailboxes(names: Mapping[str, str]) -> DefaultMailboxes:
    """The mailboxes of a new account with these names by special use.

    Names that are not distinct, or are INBOX, would leave accounts without a mailbox; then the usual names are used.
    """
    mailboxes = tuple((names.get(use, name), use) for name, use in DEFAULTS)
    distinct = {canonical_name(name) for name, _ in mailboxes}
    return mailboxes if len(distinct) == len(DEFAULTS) else DEFAULTS


class MailboxState(msgspec.Struct, frozen=True):
    """One mailbox with its counters."""

    id: str
    name: str
    uid_validity: int
    uid_next: int
    special_use: str
    messages: int
    unseen: int
    deleted: int
    size: int
    modseq: int
    runs_script: bool = False
    """Whether an annotation of it, or of the server, names a script for what clients do in it (RFC 6785)."""


class FlagRun(msgspec.Struct, frozen=True):
    """Messages with consecutive UIDs and equal flags."""

    first: int
    last: int
    flags: Flags
    is_newer: bool
    """Whether they changed after the version that the command names."""


class Messages(msgspec.Struct, frozen=True):
    """The messages that a command applies to."""

    uids: Ranges
    size: int
    """The size of all of them in octets."""

    @property
    def count(self) -> int:
        """The number of messages."""
        return count(self.uids)


class Selection(NamedTuple):
    """Messages of a mailbox that were read before the unit of work in which they are needed."""

    modseq: int
    """The MODSEQ of the mailbox before the messages were read. While the mailbox has this MODSEQ, they are still its
    messages."""
    messages: Messages


class MailboxPlace(msgspec.Struct, frozen=True):
    """Where a mailbox is to be made."""

    existing: frozenset[str]
    """Which of its name and the names above it are mailboxes already."""
    mailboxes: int
    """The number of mailboxes of the account."""
    use_is_taken: bool
    """Whether a mailbox of the account already has the special use."""


class NamedMailbox(NamedTuple):
    """A mailbox with the values that RENAME needs."""

    name: str
    id: str
    uid_validity: int


class Tree(msgspec.Struct, frozen=True):
    """A mailbox that is to be renamed, with its inferiors and the mailboxes near its new name."""

    mailboxes: tuple[NamedMailbox, ...]
    """The renamed mailbox first, then its inferiors."""
    existing: frozenset[str]
    """Names of mailboxes at, above and below the new name."""
    total: int
    """The number of mailboxes of the account."""
    former: dict[str, tuple[tuple[str, int], ...]]
    """For each new name the mailboxes that have it or once had it, as (id, UIDVALIDITY)."""

    def needs_new_validity(self, mailbox: str, new_name: str) -> bool:
        """Whether the mailbox needs a higher UIDVALIDITY, because another had the new name (RFC 3501 §2.3.1.1)."""
        own = next(renamed.uid_validity for renamed in self.mailboxes if renamed.id == mailbox)
        return any(identity != mailbox and own <= validity for identity, validity in self.former.get(new_name, ()))
