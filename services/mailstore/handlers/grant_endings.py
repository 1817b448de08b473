"""Ends the rights of accounts and groups that the directory removes.

An archived account keeps what it was given: it holds no rights while it is archived, and a restored one has them again.
"""

from __future__ import annotations

from services.mailstore.domain import access_list
from services.mailstore.domain.access_list import AccessList
from services.mailstore.handlers.access_lists import entries_of
from shared.events.archives import AccountDeleted
from shared.events.directory import AccountRemoved
from shared.events.groups import GroupRemoved
from shared.events.own_seen import OwnSeenForgotten
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.transaction import Transaction

CURSOR = "grants"
AREAS = ("account.deleted", "account.removed", "group.removed")
_HELD = "SELECT DISTINCT account, mailbox FROM mailbox_right WHERE identifier IN (?, ?) ORDER BY account, mailbox"

_READS = "SELECT DISTINCT account FROM own_seen_reader WHERE reader = ? ORDER BY account"


def end_grants(tx: Transaction, recorded: Recorded) -> None:
    r"""Take whoever was removed out of the lists of all mailboxes, and end the \Seen that was his alone."""
    event = recorded.event
    if not isinstance(event, AccountDeleted | AccountRemoved | GroupRemoved):
        return
    lists: dict[str, dict[str, AccessList]] = {}
    for account, mailbox in tx.all(_HELD, (event.id, f"-{event.id}")):
        lists.setdefault(account, {})[mailbox] = entries_of(tx, mailbox)
    provenance = Provenance(recorded.provenance.actor, recorded.provenance.cause)
    for account, entries in lists.items():
        tx.append(account, access_list.without(account, {event.id}, entries), provenance)
    for (account,) in tx.all(_READS, (event.id,)):
        tx.append(account, [OwnSeenForgotten(account, event.id)], provenance)
