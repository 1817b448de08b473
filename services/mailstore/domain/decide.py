"""Decisions: a command and the state it meets give events, or a refusal. Ids and times come in with the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.mailstore.domain.flags import Change, Flags
from services.mailstore.domain.state import (
    DEFAULTS,
    JUNK,
    SPECIAL_USES,
    FlagRun,
    MailboxPlace,
    MailboxState,
    Messages,
    Tree,
)
from services.mailstore.domain.uids import Ranges, count, joined, pages
from shared.events.mailbox import (
    AccountOpened,
    FlagsChanged,
    MailboxCreated,
    MailboxDeleted,
    MailboxRenamed,
    MailboxSubscribed,
    MessagesCopied,
    MessagesExpunged,
    MessagesMoved,
    NewMailbox,
)
from shared.eventstore.event import Event
from shared.protocol.imap.mailbox_name import INBOX, SEPARATOR, ancestors, canonical_name, new_mailbox_name

NewId = Callable[[], str]
Contents = Callable[[Ranges], tuple[str, ...]]
"""The bodies of messages, where a copy of them teaches something."""
EVENT_MESSAGES = 10_000
"""One command on so many messages is one event: its commit takes a tenth of a second, and it stays below what the bus
carries.
"""
MAX_KEYWORD_OCTETS = 2000
"""Of one message: a STORE writes them into the row of each of thousands of messages."""


class MailboxRefused(Exception):
    """The command cannot be carried out; `reason` is a word the protocols map to their response codes."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def open_account(account: str, new_id: NewId, uid_validity: int) -> AccountOpened:
    """The account's first event: its default mailboxes, to which it is subscribed."""
    return AccountOpened(account, tuple(NewMailbox(new_id(), name, uid_validity, use) for name, use in DEFAULTS))


def create_mailbox(
    account: str, name: str, use: str, place: MailboxPlace, new_id: NewId, uid_validity: int, limit: int
) -> list[Event]:
    """A mailbox and those above it that are missing (RFC 3501 §6.3.3). Nobody is subscribed to them: that is the
    client's to do (§6.3.6).
    """
    name = new_mailbox_name(name)
    if name in place.existing:
        raise MailboxRefused("ALREADYEXISTS", f"there is a mailbox {name}")
    if use and (use not in SPECIAL_USES or use == "\\All" or place.use_is_taken):
        raise MailboxRefused("USEATTR", f"no mailbox can be made for {use}")
    new = [(above, "") for above in ancestors(name) if above not in place.existing] + [(name, use)]
    mailboxes_left(place.mailboxes, len(new), limit)
    return [
        MailboxCreated(account, NewMailbox(new_id(), new_name, uid_validity, new_use, subscribed=False))
        for new_name, new_use in new
    ]


def mailboxes_left(existing: int, more: int, limit: int) -> None:
    """Raises MailboxRefused LIMIT when an account would have too many mailboxes."""
    if existing + more > limit:
        raise MailboxRefused("LIMIT", f"an account has at most {limit} mailboxes")


def deletable(mailbox: MailboxState) -> None:
    """Raises MailboxRefused CANNOT for INBOX."""
    if mailbox.name == INBOX:
        raise MailboxRefused("CANNOT", "INBOX cannot be deleted")


def delete_mailbox(account: str, mailbox: MailboxState, *, subscribed: bool) -> list[Event]:
    """The mailbox goes; its inferiors stay (RFC 3501 §6.3.4), and so does a subscription that a client made (§6.3.9).
    The server itself subscribed the account's first mailboxes: it takes that back.
    """
    deletable(mailbox)
    events: list[Event] = [MailboxDeleted(account, mailbox.id, mailbox.name)]
    if subscribed and (mailbox.name, mailbox.special_use) in DEFAULTS:
        events.append(MailboxSubscribed(account, mailbox.name, False))
    return events


def subscribe(account: str, name: str, subscribed: bool, subscriptions: int, limit: int) -> list[Event]:
    """A subscription begins, or ends. Raises MailboxRefused LIMIT when the account has as many as it may have."""
    if subscribed and subscriptions >= limit:
        raise MailboxRefused("LIMIT", f"an account has at most {limit} subscriptions")
    return [MailboxSubscribed(account, name, subscribed)]


def rename_mailbox(
    account: str, name: str, new_name: str, tree: Tree, new_id: NewId, uid_validity: int, limit: int
) -> list[Event]:
    """A mailbox and its inferiors take new names, and their subscriptions come along. INBOX is the caller's case: its
    messages move.
    """
    name, new_name = canonical_name(name), new_mailbox_name(new_name)
    _renamable(name, new_name, tree)
    names = [(mailbox, new_mailbox_name(new_name + old[len(name) :])) for old, mailbox, _ in tree.mailboxes]
    taken = next((new for _, new in names if new in tree.existing), None)
    if taken is not None:
        raise MailboxRefused("ALREADYEXISTS", f"there is a mailbox {taken}")
    missing = [above for above in ancestors(new_name) if above not in tree.existing]
    mailboxes_left(tree.total, len(missing), limit)
    new_mailboxes = [NewMailbox(new_id(), above, uid_validity, subscribed=False) for above in missing]
    validities = tuple((mailbox, uid_validity) for mailbox, new in names if tree.falls(mailbox, new))
    return [
        *(MailboxCreated(account, mailbox) for mailbox in new_mailboxes),
        MailboxRenamed(account, tuple(names), validities, carries_subscriptions=True),
    ]


def _renamable(name: str, new_name: str, tree: Tree) -> None:
    """Raises MailboxRefused."""
    if name not in (old for old, _, _ in tree.mailboxes):
        raise MailboxRefused("NONEXISTENT", f"there is no mailbox {name}")
    if new_name in tree.existing:
        raise MailboxRefused("ALREADYEXISTS", f"there is a mailbox {new_name}")
    if new_name.startswith(name + SEPARATOR):
        raise MailboxRefused("CANNOT", "a mailbox cannot move below itself")


def store_flags(
    account: str, mailbox: str, runs: Sequence[FlagRun], mode: str, given: Flags, limit: int
) -> tuple[list[Event], Ranges]:
    """The flags to change, and the UIDs refused because they changed since (RFC 7162 §3.1.3). Raises MailboxRefused
    LIMIT when a message would have more than `limit` keywords."""
    change = Change(mode, given)
    after = {flags: change.applied(flags) for flags in {run.flags for run in runs if not run.is_newer}}
    for before, flags in after.items():
        if flags.words > before.words:
            keywords_fit(flags, limit)
    touched = joined((run.first, run.last) for run in runs if not run.is_newer and after[run.flags] != run.flags)
    refused = joined((run.first, run.last) for run in runs if run.is_newer)
    return ([FlagsChanged(account, mailbox, touched, mode, given.names())] if touched else []), refused


def keywords_fit(flags: Flags, limit: int) -> None:
    """Raises MailboxRefused LIMIT when these are too many keywords for one message, or too long ones."""
    if flags.words > limit or len(flags.keywords) > MAX_KEYWORD_OCTETS:
        raise MailboxRefused(
            "LIMIT", f"a message has at most {limit} keywords, of {MAX_KEYWORD_OCTETS} octets together"
        )


def keywords_left(known: int, new: int, limit: int) -> None:
    """Raises MailboxRefused LIMIT when a mailbox would know too many keywords."""
    if new and known + new > limit:
        raise MailboxRefused("LIMIT", f"a mailbox has at most {limit} different keywords")


def copy(
    account: str, source: str, target: MailboxState, messages: Ranges, new_id: NewId, contents: Contents
) -> list[Event]:
    """Copies into another mailbox, or into the same one. So many messages make several events, of which each can be
    carried and folded.
    """
    events: list[Event] = []
    first = target.uid_next
    for uids in pages(messages, EVENT_MESSAGES):
        events.append(MessagesCopied(account, source, target.id, uids, first, new_id(), contents(uids)))
        first += count(uids)
    return events


def move(account: str, source: str, target: MailboxState, uids: Ranges, contents: tuple[str, ...] = ()) -> list[Event]:
    """Messages change their mailbox (RFC 6851)."""
    return [MessagesMoved(account, source, target.id, uids, target.uid_next, contents)] if uids else []


def teaches(source: MailboxState, target: MailboxState) -> bool:
    """Whether a move or copy between them says what is junk: its event then names the contents."""
    return source.id != target.id and JUNK in (source.special_use, target.special_use)


def expunge(account: str, mailbox: str, uids: Ranges) -> list[Event]:
    """Messages leave for good."""
    return [MessagesExpunged(account, mailbox, uids)] if uids else []


def all_there(messages: int, asked: int) -> None:
    """Raises MailboxRefused EXPUNGEISSUED unless every message asked for is there: COPY and MOVE take all or nothing
    (RFC 3501 §6.4.7, RFC 2180 §4.4)."""
    if messages != asked:
        raise MailboxRefused("EXPUNGEISSUED", "some of the messages are gone; nothing was done")


def copies_left(messages: Messages, limit: int) -> None:
    """Raises MailboxRefused LIMIT for more copies than one commit may make: it keeps the writer from others."""
    if messages.count > limit:
        raise MailboxRefused("LIMIT", f"COPY takes at most {limit} messages at once")


def within_quota(used: int, more: int, limit: int) -> None:
    """Raises MailboxRefused OVERQUOTA when `more` octets do not fit; a limit of 0 is none."""
    if limit and more > limit:
        raise MailboxRefused("OVERQUOTA", f"{more} octets are more than the whole quota of {limit} octets")
    if limit and used + more > limit:
        raise MailboxRefused(
            "OVERQUOTA", f"the mailbox is full: {used} of {limit} octets are used, {more} more do not fit"
        )


def uids_left(target: MailboxState, more: int) -> None:
    """Raises MailboxRefused when UIDs would pass 2^32-1: the mailbox must be made anew first."""
    if target.uid_next + more > 4_294_967_295:
        raise MailboxRefused("LIMIT", "this mailbox has used up its UIDs")
