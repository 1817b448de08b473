"""Decides which annotations are changed (RFC 5464 §4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.mailstore.domain.decide import MailboxRefused
from shared.events.metadata import AnnotationsChanged, AnnotationValue
from shared.events.scripts import SERVER
from shared.protocol.imap.entry_name import SHARED

NewValues = Sequence[tuple[str, bytes | None]]
"""Entries with their new values; None removes."""


class AnnotationLimits(NamedTuple):
    """How much may be kept."""

    octets: int
    """Of a value."""
    of_mailbox: int
    """Entries of a mailbox, or of the account beside its mailboxes."""
    of_account: int
    """Entries of all mailboxes of an account."""


class Kept(NamedTuple):
    """What is kept now."""

    values: Mapping[str, bytes]
    """Of the mailbox."""
    total: int
    """The number of entries of the account."""


def place_of(account: str, mailbox: str, entry: str) -> str:
    """The owner under whom an entry is kept: the server for what everybody sees.

    Raises MailboxRefused NOPRIVATE for a private entry of the server itself.
    """
    if account == SERVER and not entry.startswith(SHARED):
        raise MailboxRefused("NOPRIVATE", "private annotations belong to an account")
    return SERVER if not mailbox and entry.startswith(SHARED) else account


def change(
    owner: str, mailbox: str, given: NewValues, kept: Kept, limits: AnnotationLimits
) -> list[AnnotationsChanged]:
    """The event of what differs. Raises MailboxRefused TOOMANY or MAXSIZE; a removal is always possible."""
    newest = dict(given)
    changed = {entry: value for entry, value in newest.items() if kept.values.get(entry) != value}
    _sizes_fit(changed, limits)
    added = sum(value is not None and entry not in kept.values for entry, value in changed.items())
    removed = sum(value is None for value in changed.values())
    more = added - removed
    if added and (len(kept.values) + more > limits.of_mailbox or kept.total + more > limits.of_account):
        raise MailboxRefused(
            "TOOMANY",
            f"a mailbox has at most {limits.of_mailbox} annotations, and an account at most {limits.of_account}",
        )
    values = tuple(AnnotationValue(entry, value) for entry, value in changed.items())
    return [AnnotationsChanged(owner, mailbox, values)] if values else []


def settable(account: str, mailbox: str, given: NewValues) -> None:
    """Check that an account may set these entries.

    Raises MailboxRefused NOPERM for what everybody sees, which only the operator sets.
    """
    if account == SERVER and mailbox:
        raise MailboxRefused("NONEXISTENT", "the server itself has no mailboxes")
    for entry, _ in given:
        if place_of(account, mailbox, entry) != account:
            raise MailboxRefused("NOPERM", "the operator of this server sets what everybody sees")


def _sizes_fit(changed: Mapping[str, bytes | None], limits: AnnotationLimits) -> None:
    if any(value is not None and len(value) > limits.octets for value in changed.values()):
        raise MailboxRefused(
            f"MAXSIZE {limits.octets}", f"the value of an annotation has at most {limits.octets} octets"
        )
