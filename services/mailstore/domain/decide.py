"""Decisions: a command and the state it meets give facts, or a refusal. Ids and times come in with the command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from services.mailstore.domain.flags import DELETED, Flags, changed
from services.mailstore.domain.names import (
    DEFAULTS,
    INBOX,
    JUNK,
    SEPARATOR,
    SPECIAL_USES,
    ancestors,
    canonical,
    checked,
)
from services.mailstore.domain.state import EntryState, MailboxState
from services.mailstore.domain.uids import ranges
from shared.events.mailbox import (
    AccountOpened,
    FlagsChanged,
    MailboxCreated,
    MailboxDeleted,
    MailboxRenamed,
    MessagesCopied,
    MessagesExpunged,
    MessagesMoved,
    NewMailbox,
)
from shared.eventstore.event import Event

NewId = Callable[[], str]


class Refused(Exception):
    """The command cannot be carried out; `reason` is a word the protocols map to their response codes."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def open_account(account: str, new_id: NewId, uid_validity: int) -> AccountOpened:
    """The account's first fact: its default mailboxes."""
    return AccountOpened(account, tuple(NewMailbox(new_id(), name, uid_validity, use) for name, use in DEFAULTS))


def create_mailbox(
    account: str, name: str, use: str, existing: Mapping[str, str], new_id: NewId, uid_validity: int, limit: int
) -> list[Event]:
    """A mailbox and those above it that are missing (RFC 3501 §6.3.3). `existing`: name → special use."""
    name = checked(name)
    if name in existing:
        raise Refused("ALREADYEXISTS", f"there is a mailbox {name}")
    if use and (use not in SPECIAL_USES or use == "\\All" or use in existing.values()):
        raise Refused("USEATTR", f"no mailbox can be made for {use}")
    missing = [above for above in ancestors(name) if above not in existing]
    if len(existing) + len(missing) + 1 > limit:
        raise Refused("LIMIT", f"an account has at most {limit} mailboxes")
    made = [NewMailbox(new_id(), above, uid_validity) for above in missing] + [
        NewMailbox(new_id(), name, uid_validity, use)
    ]
    return [MailboxCreated(account, mailbox) for mailbox in made]


def delete_mailbox(account: str, mailbox: MailboxState) -> list[Event]:
    """The mailbox goes; its inferiors stay (RFC 3501 §6.3.4)."""
    if mailbox.name == INBOX:
        raise Refused("CANNOT", "INBOX cannot be deleted")
    return [MailboxDeleted(account, mailbox.id, mailbox.name)]


def rename_mailbox(
    account: str, name: str, new_name: str, existing: Mapping[str, str], new_id: NewId, uid_validity: int
) -> list[Event]:
    """A mailbox and its inferiors take new names. `existing`: name → mailbox id. INBOX is the caller's case: its
    messages move.
    """
    name, new_name = canonical(name), checked(new_name)
    if name not in existing:
        raise Refused("NONEXISTENT", f"there is no mailbox {name}")
    if new_name in existing:
        raise Refused("ALREADYEXISTS", f"there is a mailbox {new_name}")
    if new_name.startswith(name + SEPARATOR):
        raise Refused("CANNOT", "a mailbox cannot move below itself")
    names = [
        (existing[old], new_name + old[len(name) :])
        for old in existing
        if old == name or old.startswith(name + SEPARATOR)
    ]
    taken = next((new for _, new in names if new in existing), None)
    if taken is not None:
        raise Refused("ALREADYEXISTS", f"there is a mailbox {taken}")
    missing = [above for above in ancestors(new_name) if above not in existing]
    return [
        *(MailboxCreated(account, NewMailbox(new_id(), above, uid_validity)) for above in missing),
        MailboxRenamed(account, tuple(names)),
    ]


def store_flags(
    account: str, mailbox: str, entries: Sequence[EntryState], mode: str, given: Flags, unchanged_since: int | None
) -> tuple[list[Event], list[int]]:
    """The flags to change, and the UIDs refused because they changed since (RFC 7162 §3.1.3)."""
    refused = [entry.uid for entry in entries if unchanged_since is not None and entry.modseq > unchanged_since]
    barred = frozenset(refused)
    touched = ranges(
        entry.uid for entry in entries if entry.uid not in barred and changed(entry.flags, mode, given) != entry.flags
    )
    return ([FlagsChanged(account, mailbox, touched, mode, given.names())] if touched else []), refused


def copy(
    account: str, source: str, target: MailboxState, uids: Collection[int], entries: str, contents: tuple[str, ...] = ()
) -> list[Event]:
    """Copies into another mailbox, or into the same one."""
    return (
        [MessagesCopied(account, source, target.id, ranges(uids), target.uid_next, entries, contents)] if uids else []
    )


def move(
    account: str, source: str, target: MailboxState, uids: Collection[int], contents: tuple[str, ...] = ()
) -> list[Event]:
    """Messages change their mailbox (RFC 6851)."""
    return [MessagesMoved(account, source, target.id, ranges(uids), target.uid_next, contents)] if uids else []


def teaches(source: MailboxState, target: MailboxState) -> bool:
    """Whether a move or copy between them says what is junk: its fact then names the contents."""
    return source.id != target.id and JUNK in (source.special_use, target.special_use)


def expunge(account: str, mailbox: str, entries: Iterable[EntryState]) -> list[Event]:
    """What is marked \\Deleted leaves for good."""
    gone = ranges(entry.uid for entry in entries if entry.flags.system & DELETED)
    return [MessagesExpunged(account, mailbox, gone)] if gone else []


def within_quota(used: int, more: int, limit: int) -> None:
    """Raises Refused OVERQUOTA when `more` octets do not fit; a limit of 0 is none."""
    if limit and used + more > limit:
        raise Refused("OVERQUOTA", f"the mailbox is full: {used} of {limit} octets are used")


def uids_left(target: MailboxState, more: int) -> None:
    """Raises Refused when UIDs would pass 2^32-1: the mailbox must be made anew first."""
    if target.uid_next + more > 4_294_967_295:
        raise Refused("LIMIT", "this mailbox has used up its UIDs")
