"""What a decision about an account looks at: values, loaded before."""

from __future__ import annotations

import msgspec

from services.mailstore.domain.flags import Flags


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


class EntryState(msgspec.Struct, frozen=True):
    """One message of a mailbox, as far as flags are concerned."""

    uid: int
    flags: Flags
    modseq: int
    size: int
