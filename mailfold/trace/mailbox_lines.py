"""Lines about a message in mailboxes: where it was stored, and what happened to it later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailfold.texts import counted
from mailfold.trace.names import Names
from shared.events import (
    all_mail_mailbox,
    expiry,
    mailbox,
    mailbox_rights,
    mailbox_scripts,
    maildrop,
    metadata,
    own_seen,
    reading,
    restoring,
)
from shared.events.mailbox import Uids


def opened(event: mailbox.AccountOpened, names: Names) -> Iterator[str]:
    """The account was opened at its first use."""
    yield f"{names.of(event.account)} got its mailboxes: {', '.join(mailbox_.name for mailbox_ in event.mailboxes)}"


def delivered(event: mailbox.MessageDelivered, names: Names) -> Iterator[str]:
    """The message was stored in a mailbox."""
    flags = f", flags {' '.join(event.entry.flags)}" if event.entry.flags else ""
    yield (
        f"in {names.of(event.mailbox)} of {names.of(event.account)} as UID {event.entry.uid} (entry "
        f"{event.entry.entry}, {event.entry.size} octets{flags})"
    )


def appended(event: mailbox.MessageAppended, names: Names) -> Iterator[str]:
    """The message was appended by a client."""
    uids = ", ".join(str(entry.uid) for entry in event.entries)
    yield f"put into {names.of(event.mailbox)} of {names.of(event.account)} by a client as UID {uids}"


def flags_changed(event: mailbox.FlagsChanged, names: Names) -> Iterator[str]:
    """Flags were changed by STORE."""
    word = {"add": "set", "remove": "taken away", "replace": "replaced by"}.get(event.mode, event.mode)
    yield f"flags {word} {' '.join(event.flags) or '(none)'} in {names.of(event.mailbox)}, UID {_uids(event.uids)}"


def bodies_read(event: reading.BodiesRead, names: Names) -> Iterator[str]:
    """Somebody read messages."""
    where = f"{names.of(event.mailbox)} of {names.of(event.account)}" if event.mailbox else names.of(event.account)
    yield f"{counted(event.messages, 'message')} read in {where} by {event.protocol}"


def searched(event: reading.MailSearched, names: Names) -> Iterator[str]:
    """Somebody searched an account."""
    yield f"{names.of(event.account)} searched, {counted(event.messages, 'message')} shown"


def copied(event: mailbox.MessagesCopied, names: Names) -> Iterator[str]:
    """The message was copied."""
    yield (
        f"copied from {names.of(event.source)} UID {_uids(event.uids)} to {names.of(event.target)} UID "
        f"{_targets(event.uids, event.first_uid)}"
    )


def moved(event: mailbox.MessagesMoved, names: Names) -> Iterator[str]:
    """The message was moved."""
    yield (
        f"moved from {names.of(event.source)} UID {_uids(event.uids)} to {names.of(event.target)} UID "
        f"{_targets(event.uids, event.first_uid)}"
    )


def expunged(event: mailbox.MessagesExpunged, names: Names) -> Iterator[str]:
    """The message was expunged."""
    yield f"expunged from {names.of(event.mailbox)}, UID {_uids(event.uids)}"


def expired(event: expiry.MessagesExpired, names: Names) -> Iterator[str]:
    """The message was removed after its time in the mailbox."""
    yield f"expired in {names.of(event.mailbox)} after {event.days} days, UID {_uids(event.uids)}"


def fetched_away(event: maildrop.MessagesFetchedAway, names: Names) -> Iterator[str]:
    """A POP3 client removed the message."""
    yield f"removed from {names.of(event.mailbox)} by a POP3 client, UID {_uids(event.uids)}"


def unique_ids_given(event: maildrop.UniqueIdsGiven, names: Names) -> Iterator[str]:
    """Messages got unique ids of a former server."""
    yield f"{len(event.ids)} messages of {names.of(event.account)} got the POP3 unique ids of a former server"


def all_mail_made(event: all_mail_mailbox.AllMailMade, names: Names) -> Iterator[str]:
    """The account got its All Mail mailbox."""
    yield f"{names.of(event.account)} got {event.mailbox.name}, which shows the mail of its other mailboxes"


def all_mail_filled(event: all_mail_mailbox.AllMailFilled, names: Names) -> Iterator[str]:
    """All Mail shows messages that were there before it."""
    yield f"the All Mail mailbox shows {names.of(event.source)}, UID {_uids(event.uids)}"


def all_mail_ended(event: all_mail_mailbox.AllMailEnded, names: Names) -> Iterator[str]:
    """The account has no All Mail mailbox any more."""
    yield f"{names.of(event.account)} has no {event.name} any more"


def restored(event: restoring.MessagesRestored, names: Names) -> Iterator[str]:
    """The message was brought back after it had been removed."""
    yield (
        f"restored from {names.of(event.source)} UID {_uids(event.uids)} to {names.of(event.target)} UID "
        f"{_targets(event.uids, event.first_uid)}"
    )


def forgotten(event: restoring.RemovedForgotten, names: Names) -> Iterator[str]:
    """Removed messages cannot be restored any more."""
    yield f"what was removed from {names.of(event.account)} up to version {event.through} cannot be restored any more"


def mailbox_deleted(event: mailbox.MailboxDeleted, _names: Names) -> Iterator[str]:
    """The mailbox was deleted with its messages."""
    yield f"the mailbox {event.name} was deleted with all that was in it"


def annotated(event: metadata.AnnotationsChanged, names: Names) -> Iterator[str]:
    """Annotations were set or removed; their values stay with the owner."""
    place = names.of(event.mailbox) if event.mailbox else "the account"
    if event.owner == "server":
        place = "the server"
    for changed in event.values:
        done = "removed" if changed.value is None else f"set, {len(changed.value)} octets"
        yield f"annotation {changed.entry} of {place} {done}"


def own_seen_changed(event: own_seen.OwnSeenChanged, names: Names) -> Iterator[str]:
    """A user of a shared mailbox has read the message, or marked it as not read, for himself alone."""
    who = f"{names.of(event.reader)} alone" if event.reader else "all who share it"
    done = "seen" if event.seen else "not seen"
    yield f"{done} for {who} in {names.of(event.mailbox)}, UID {_uids(event.uids)}"


def own_seen_forgotten(event: own_seen.OwnSeenForgotten, names: Names) -> Iterator[str]:
    """What a removed account had read is forgotten."""
    yield f"what {names.of(event.reader)} had seen in mailboxes of {names.of(event.account)} is forgotten"


def rights_changed(event: mailbox_rights.MailboxRightsChanged, names: Names) -> Iterator[str]:
    """Rights to a mailbox were given to others, or taken away."""
    for identifier, rights in event.rights:
        who = names.of(identifier.removeprefix("-"))
        has = f"has the rights {rights}" if rights else "is not in the list any more"
        if identifier.startswith("-"):
            has = f"is refused the rights {rights}" if rights else "is refused no right any more"
        yield f"{who} {has} for {names.of(event.mailbox)} of {names.of(event.account)}"


def script_due(event: mailbox_scripts.MailboxScriptDue, names: Names) -> Iterator[str]:
    """A script is to run for what a client did in a mailbox."""
    flags = f" ({' '.join(event.changed_flags)})" if event.changed_flags else ""
    yield f"{event.cause}{flags} in {names.of(event.mailbox)}, UID {_uids(event.uids)}: its script is due"


def script_ran(event: mailbox_scripts.MailboxScriptRan, names: Names) -> Iterator[str]:
    """The script of a mailbox ran over messages."""
    failed = f", {event.failed} failed" if event.failed else ""
    error = f": {event.error}" if event.error else ""
    script = f"script {event.script}" if event.script else "no script"
    place = names.of(event.mailbox)
    yield f"{script} ran over {counted(event.messages, 'message')} in {place} up to UID {event.through}{failed}{error}"


def _uids(uids: Sequence[tuple[int, int]]) -> str:
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in uids)


def _targets(uids: Uids, first: int) -> str:
    count = sum(last - start + 1 for start, last in uids)
    return _uids([(first, first + count - 1)])
