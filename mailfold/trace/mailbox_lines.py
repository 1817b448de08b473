"""Lines about a message in mailboxes: where it came to lie, and what was done to it later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailfold.trace.names import Names
from shared.events import mailbox
from shared.events.mailbox import Uids


def opened(fact: mailbox.AccountOpened, names: Names) -> Iterator[str]:
    """On first use."""
    yield f"{names.of(fact.account)} got its mailboxes: {', '.join(one.name for one in fact.mailboxes)}"


def delivered(fact: mailbox.MessageDelivered, names: Names) -> Iterator[str]:
    """In a mailbox."""
    flags = f", flags {' '.join(fact.entry.flags)}" if fact.entry.flags else ""
    yield f"in {names.of(fact.mailbox)} of {names.of(fact.account)} as UID {fact.entry.uid} (entry {fact.entry.entry}, {fact.entry.size} octets{flags})"


def appended(fact: mailbox.MessageAppended, names: Names) -> Iterator[str]:
    """By a client."""
    uids = ", ".join(str(entry.uid) for entry in fact.entries)
    yield f"put into {names.of(fact.mailbox)} of {names.of(fact.account)} by a client as UID {uids}"


def flags_changed(fact: mailbox.FlagsChanged, names: Names) -> Iterator[str]:
    """STORE."""
    word = {"add": "set", "remove": "taken away", "replace": "replaced by"}.get(fact.mode, fact.mode)
    yield f"flags {word} {' '.join(fact.flags) or '(none)'} in {names.of(fact.mailbox)}, UID {_uids(fact.uids)}"


def copied(fact: mailbox.MessagesCopied, names: Names) -> Iterator[str]:
    """COPY."""
    yield f"copied from {names.of(fact.source)} UID {_uids(fact.uids)} to {names.of(fact.target)} UID {_targets(fact.uids, fact.first_uid)}"


def moved(fact: mailbox.MessagesMoved, names: Names) -> Iterator[str]:
    """MOVE."""
    yield f"moved from {names.of(fact.source)} UID {_uids(fact.uids)} to {names.of(fact.target)} UID {_targets(fact.uids, fact.first_uid)}"


def expunged(fact: mailbox.MessagesExpunged, names: Names) -> Iterator[str]:
    """EXPUNGE."""
    yield f"expunged from {names.of(fact.mailbox)}, UID {_uids(fact.uids)}"


def mailbox_deleted(fact: mailbox.MailboxDeleted, _names: Names) -> Iterator[str]:
    """The whole mailbox went."""
    yield f"the mailbox {fact.name} was deleted with all that was in it"


def _uids(uids: Sequence[tuple[int, int]]) -> str:
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in uids)


def _targets(uids: Uids, first: int) -> str:
    count = sum(last - start + 1 for start, last in uids)
    return _uids([(first, first + count - 1)])
