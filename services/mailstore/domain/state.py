"""What a decision about an account looks at: values, loaded before."""

from __future__ import annotations

import msgspec

from services.mailstore.domain.flags import Flags
from services.mailstore.domain.uids import Ranges, count
from shared.protocol.imap.mailbox_name import INBOX

JUNK = "\\Junk"
# The mailboxes that every account begins with, and their special uses.
DEFAULTS = (
    (INBOX, ""),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Spam", JUNK),
    ("Trash", "\\Trash"),
    ("Archive", "\\Archive"),
)
SPECIAL_USES = frozenset(use for _, use in DEFAULTS if use) | {"\\Flagged", "\\All"}


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


class FlagRun(msgspec.Struct, frozen=True):
    """Messages of neighbouring UIDs whose flags are alike."""

    first: int
    last: int
    flags: Flags
    is_newer: bool
    """Whether they changed behind the version that the command names."""


class Messages(msgspec.Struct, frozen=True):
    """Messages that a command is about."""

    uids: Ranges
    size: int
    """Octets of all."""

    @property
    def count(self) -> int:
        """How many."""
        return count(self.uids)


class MailboxPlace(msgspec.Struct, frozen=True):
    """Where a mailbox is to be made."""

    existing: frozenset[str]
    """Of its name and the names above it, those that mailboxes have."""
    mailboxes: int
    """How many the account has."""
    use_is_taken: bool
    """Whether a mailbox of the account has the special use already."""


class Tree(msgspec.Struct, frozen=True):
    """A mailbox with its inferiors, and what its new name meets."""

    mailboxes: tuple[tuple[str, str, int], ...]
    """(name, id, UIDVALIDITY), the mailbox itself first."""
    existing: frozenset[str]
    """Names of mailboxes at, above and below the new name."""
    total: int
    """How many mailboxes the account has."""
    borne: dict[str, tuple[tuple[str, int], ...]]
    """By new name: the mailboxes that have or had it, as (id, UIDVALIDITY)."""

    def falls(self, mailbox: str, new_name: str) -> bool:
        """Whether UIDVALIDITY would not rise under the new name, which another mailbox had (RFC 3501 §2.3.1.1)."""
        own = next(validity for _, identity, validity in self.mailboxes if identity == mailbox)
        return any(identity != mailbox and own <= validity for identity, validity in self.borne.get(new_name, ()))
