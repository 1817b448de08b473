"""Decisions on access control lists (RFC 4314)."""

from __future__ import annotations

from collections.abc import Mapping, Set

from services.mailstore.domain.decide import MailboxRefused
from shared.events.mailbox_rights import MailboxRightsChanged
from shared.eventstore.event import Event
from shared.protocol.imap.rights import canonical_rights, changed_rights

AccessList = dict[str, str]
"""Rights by identifier; an identifier with a hyphen before it takes rights away."""


def rights_for(identifiers: Set[str], entries: Mapping[str, str]) -> str:
    """The rights of whoever holds these identifiers: all that are given, without those that are taken away (RFC 4314
    §2)."""
    given = {right for identifier in identifiers for right in entries.get(identifier, "")}
    taken = {right for identifier in identifiers for right in entries.get(f"-{identifier}", "")}
    return canonical_rights(given - taken)


def change(
    account: str, mailbox: str, entries: Mapping[str, str], identifier: str, mode: str, rights: str, limit: int
) -> list[Event]:
    """Change the rights of one identifier (RFC 4314 §3.1). Raises MailboxRefused LIMIT."""
    before = entries.get(identifier, "")
    after = changed_rights(before, mode, rights)
    if after == before:
        return []
    if after and not before and len(entries) >= limit:
        raise MailboxRefused("LIMIT", f"the access control list of a mailbox has at most {limit} entries")
    return [MailboxRightsChanged(account, mailbox, ((identifier, after),))]


def inherit(account: str, mailbox: str, entries: Mapping[str, str]) -> list[Event]:
    """Give a new mailbox the list of the mailbox above it (RFC 4314 §3, CREATE)."""
    return [MailboxRightsChanged(account, mailbox, tuple(sorted(entries.items())))] if entries else []


def without(account: str, identifiers: Set[str], lists: Mapping[str, Mapping[str, str]]) -> list[Event]:
    """End the rights of identifiers in the lists of an account's mailboxes, given by mailbox id."""
    events: list[Event] = []
    for mailbox, entries in sorted(lists.items()):
        gone = tuple((entry, "") for entry in sorted(entries) if entry.removeprefix("-") in identifiers)
        events += [MailboxRightsChanged(account, mailbox, gone)] if gone else []
    return events
