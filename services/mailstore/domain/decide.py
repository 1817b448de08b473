"""Decisions: from a command and the present state to events, or to a refusal.

New ids and times are passed in, so that the functions are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.mailstore.domain.flags import Change, Flags
from services.mailstore.domain.state import (
    ALL,
    JUNK,
    SPECIAL_USES,
    DefaultMailboxes,
    FlagRun,
    MailboxPlace,
    MailboxState,
    Tree,
)
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
from shared.protocol.imap.ranges import Ranges, count, joined, pages

NewId = Callable[[], str]
Contents = Callable[[Ranges], tuple[str, ...]]
"""Returns the blobs of messages when the classifier can learn from them, else nothing."""
EVENT_MESSAGES = 10_000
"""Messages of one event. Larger commands become several events, so that a commit takes a tenth of a second at most and
each event fits into a bus message."""
MAX_KEYWORD_OCTETS = 2000
"""Octets of all keywords of a message. A STORE writes them into the row of each of thousands of messages."""


class MailboxRefused(Exception):
    """A command that cannot be carried out; `reason` is a word that the protocols translate to response codes."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def open_account(account: str, mailboxes: DefaultMailboxes, new_id: NewId, uid_validity: int) -> AccountOpened:
    """The account's first event: its default mailboxes, to which it is subscribed."""
    return AccountOpened(account, tuple(NewMailbox(new_id(), name, uid_validity, use) for name, use in mailboxes))


def create_mailbox(
    account: str, name: str, use: str, place: MailboxPlace, new_id: NewId, uid_validity: int, limit: int
) -> list[Event]:
    """Create a mailbox and the missing mailboxes above it (RFC 3501 §6.3.3).

    No subscription is made; clients subscribe by themselves (RFC 3501 §6.3.6).
    """
    name = new_mailbox_name(name)
    if name in place.existing:
        raise MailboxRefused("ALREADYEXISTS", f"there is a mailbox {name}")
    if use and (use not in SPECIAL_USES or use == ALL or place.use_is_taken):
        raise MailboxRefused("USEATTR", f"no mailbox can be made for {use}")
    new = [(above, "") for above in ancestors(name) if above not in place.existing] + [(name, use)]
    mailboxes_left(place.mailboxes, len(new), limit)
    return [
        MailboxCreated(account, NewMailbox(new_id(), new_name, uid_validity, new_use, subscribed=False))
        for new_name, new_use in new
    ]


def mailboxes_left(existing: int, more: int, limit: int) -> None:
    """Check that an account may have `more` mailboxes. Raises MailboxRefused LIMIT."""
    if existing + more > limit:
        raise MailboxRefused("LIMIT", f"an account has at most {limit} mailboxes")


def deletable(mailbox: MailboxState) -> None:
    """Check that a mailbox may be deleted. Raises MailboxRefused CANNOT for INBOX and All Mail."""
    if mailbox.name == INBOX or mailbox.special_use == ALL:
        raise MailboxRefused("CANNOT", f"{mailbox.name} cannot be deleted")


def delete_mailbox(account: str, mailbox: MailboxState, *, subscribed_by_server: bool) -> list[Event]:
    """Delete a mailbox; its inferiors stay (RFC 3501 §6.3.4), and so does a client's subscription (§6.3.9).

    The account's first mailboxes were subscribed by the server; that subscription ends.
    """
    deletable(mailbox)
    events: list[Event] = [MailboxDeleted(account, mailbox.id, mailbox.name)]
    if subscribed_by_server:
        events.append(MailboxSubscribed(account, mailbox.name, False))
    return events


def subscribe(account: str, name: str, subscribed: bool, subscriptions: int, limit: int) -> list[Event]:
    """Begin or end a subscription. Raises MailboxRefused LIMIT when the account has as many as it may have."""
    if subscribed and subscriptions >= limit:
        raise MailboxRefused("LIMIT", f"an account has at most {limit} subscriptions")
    return [MailboxSubscribed(account, name, subscribed)]


def rename_mailbox(
    account: str, name: str, new_name: str, tree: Tree, new_id: NewId, uid_validity: int, limit: int
) -> list[Event]:
    """Give a mailbox and its inferiors new names, and move their subscriptions to these names.

    INBOX is not handled here: its messages are moved instead, by the caller.
    """
    name, new_name = canonical_name(name), new_mailbox_name(new_name)
    _renamable(name, new_name, tree)
    names = [(renamed.id, new_mailbox_name(new_name + renamed.name[len(name) :])) for renamed in tree.mailboxes]
    taken = next((new for _, new in names if new in tree.existing), None)
    if taken is not None:
        raise MailboxRefused("ALREADYEXISTS", f"there is a mailbox {taken}")
    missing = [above for above in ancestors(new_name) if above not in tree.existing]
    mailboxes_left(tree.total, len(missing), limit)
    new_mailboxes = [NewMailbox(new_id(), above, uid_validity, subscribed=False) for above in missing]
    validities = tuple((mailbox, uid_validity) for mailbox, new in names if tree.needs_new_validity(mailbox, new))
    return [
        *(MailboxCreated(account, mailbox) for mailbox in new_mailboxes),
        MailboxRenamed(account, tuple(names), validities, carries_subscriptions=True),
    ]


def _renamable(name: str, new_name: str, tree: Tree) -> None:
    """Check that a mailbox may have the new name. Raises MailboxRefused."""
    if name not in (renamed.name for renamed in tree.mailboxes):
        raise MailboxRefused("NONEXISTENT", f"there is no mailbox {name}")
    if new_name in tree.existing:
        raise MailboxRefused("ALREADYEXISTS", f"there is a mailbox {new_name}")
    if new_name.startswith(name + SEPARATOR):
        raise MailboxRefused("CANNOT", "a mailbox cannot move below itself")


def store_flags(
    account: str, mailbox: str, runs: Sequence[FlagRun], mode: str, given: Flags, limit: int
) -> tuple[list[Event], Ranges]:
    """The event that changes the flags, and the UIDs refused by UNCHANGEDSINCE (RFC 7162 §3.1.3).

    Raises MailboxRefused LIMIT when a message would have more than `limit` keywords.
    """
    change = Change(mode, given)
    after = {flags: change.applied(flags) for flags in {run.flags for run in runs if not run.is_newer}}
    for before, flags in after.items():
        if flags.words > before.words:
            keywords_fit(flags, limit)
    changing = {before for before, flags in after.items() if flags != before}
    touched = joined((run.first, run.last) for run in runs if not run.is_newer and run.flags in changing)
    refused = joined((run.first, run.last) for run in runs if run.is_newer)
    return ([FlagsChanged(account, mailbox, touched, mode, given.names())] if touched else []), refused


def keywords_fit(flags: Flags, limit: int) -> None:
    """Check the keywords of one message. Raises MailboxRefused LIMIT when they are too many or too long."""
    if flags.words > limit or len(flags.keywords) > MAX_KEYWORD_OCTETS:
        raise MailboxRefused(
            "LIMIT", f"a message has at most {limit} keywords, of {MAX_KEYWORD_OCTETS} octets together"
        )


def keywords_left(known: int, new: int, limit: int) -> None:
    """Check how many keywords a mailbox has. Raises MailboxRefused LIMIT when `new` more are too many."""
    if new and known + new > limit:
        raise MailboxRefused("LIMIT", f"a mailbox has at most {limit} different keywords")


def copy(
    account: str, source: str, target: MailboxState, messages: Ranges, new_id: NewId, contents: Contents
) -> list[Event]:
    """Copy messages into another mailbox, or into the same one.

    Many messages make several events, each small enough for the bus.
    """
    events: list[Event] = []
    first = target.uid_next
    for uids in pages(messages, EVENT_MESSAGES):
        events.append(MessagesCopied(account, source, target.id, uids, first, new_id(), contents(uids)))
        first += count(uids)
    return events


def move(account: str, source: str, target: MailboxState, uids: Ranges, contents: tuple[str, ...] = ()) -> list[Event]:
    """Move messages to another mailbox (RFC 6851)."""
    return [MessagesMoved(account, source, target.id, uids, target.uid_next, contents)] if uids else []


def teaches(source: MailboxState, target: MailboxState) -> bool:
    """Whether a move or copy between these mailboxes is a lesson for the classifier; the event then names the blobs."""
    return source.id != target.id and JUNK in (source.special_use, target.special_use)


def expunge(account: str, mailbox: str, uids: Ranges) -> list[Event]:
    """Remove messages permanently."""
    return [MessagesExpunged(account, mailbox, uids)] if uids else []


def all_there(messages: int, asked: int) -> None:
    """Check that all requested messages exist, because COPY and MOVE take all or none.

    Raises MailboxRefused EXPUNGEISSUED otherwise (RFC 3501 §6.4.7, RFC 2180 §4.4).
    """
    if messages != asked:
        raise MailboxRefused("EXPUNGEISSUED", "some of the messages are gone; nothing was done")


def copies_left(messages: int, limit: int) -> None:
    """Check how many messages one COPY copies, because its single commit blocks the writer.

    Raises MailboxRefused LIMIT.
    """
    if messages > limit:
        raise MailboxRefused("LIMIT", f"COPY takes at most {limit} messages at once")


def uids_left(target: MailboxState, more: int) -> None:
    """Check that the UIDs stay below 2^32.

    Raises MailboxRefused otherwise; the mailbox must then be created anew.
    """
    if target.uid_next + more > 4_294_967_295:
        raise MailboxRefused("LIMIT", "this mailbox has used up its UIDs")
