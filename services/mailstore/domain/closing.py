"""Decisions on accounts that the directory removed or restored."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.domain.state import MailboxState
from shared.events.archives import AccountArchived, AccountDeleted, AccountRestored
from shared.events.closing import AccountClosed, AccountErased, AccountReopened
from shared.events.mailbox import MailboxDeleted, MessagesExpunged
from shared.eventstore.event import Event
from shared.protocol.imap.ranges import Ranges

ARCHIVED, ERASING, ERASED = "archived", "erasing", "erased"


def follow(state: str, event: Event) -> list[Event]:
    """What an event of the directory changes for its account; `state` is empty while the account is in use."""
    match event:
        case AccountArchived(id=account) if not state:
            return [AccountClosed(account, erase=False)]
        case AccountRestored(id=account) if state == ARCHIVED:
            return [AccountReopened(account)]
        case AccountDeleted(id=account) if state in ("", ARCHIVED):
            return [AccountClosed(account, erase=True)]
        case _:
            return []


def erase(account: str, mailbox: MailboxState | None, messages: Ranges, empty: Sequence[MailboxState]) -> list[Event]:
    """The next step of an erasure: messages of a mailbox first, then empty mailboxes, then all that is left."""
    if mailbox is not None and messages:
        return [MessagesExpunged(account, mailbox.id, messages)]
    if empty:
        return [MailboxDeleted(account, gone.id, gone.name) for gone in empty]
    return [AccountErased(account)]
