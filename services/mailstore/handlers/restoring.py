"""Brings removed messages back, in units of work that do not block the writer for long.

A unit takes messages of one mailbox, as many as one event names. What is restored is no longer removed, so neither a
second command nor a repeat after a crash restores anything twice. The command id of a unit is the command's id with the
number of the unit, so that a repeat also returns what earlier attempts did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.mailstore.domain import decide
from services.mailstore.domain.decide import EVENT_MESSAGES, MailboxRefused
from services.mailstore.domain.quota import QuotaLimits, Usage, check_quota
from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load, queries
from services.mailstore.handlers.all_mail import as_goal
from services.mailstore.handlers.quota_warnings import note_growth
from services.mailstore.handlers.removed import ChosenUids, RemovedChoice, next_of
from services.mailstore.projections import chosen
from services.mailstore.settings import MailstoreSettings
from shared.events.restoring import MessagesRestored
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import Ids
from shared.protocol.imap.mailbox_name import INBOX
from shared.protocol.imap.ranges import count


class RestoreOrder(NamedTuple):
    """What is to be restored, and how."""

    choice: RemovedChoice
    into: str
    """The name of the mailbox for all of it; empty: the mailbox from which each message was removed."""
    quota: QuotaLimits
    keeps_quota: bool
    """Whether the quota refuses messages, as it does for the owner; an operator's command only causes its warnings."""


class RestoredUnit(NamedTuple):
    """The messages of a unit."""

    mailbox: str
    """The id of the mailbox in which they are now."""
    messages: int


class Restored(NamedTuple):
    """The names of mailboxes with the number of messages that came back, and why the rest did not; None: all did."""

    messages: dict[str, int]
    refused: MailboxRefused | None


class Restoring:
    """The command."""

    def __init__(self, store: EventStore, ids: Ids, limits: MailstoreSettings) -> None:
        self._store = store
        self._ids = ids
        self._limits = limits

    async def restore(self, order: RestoreOrder, provenance: Provenance) -> Restored:
        """Restore removed messages. Raises MailboxRefused when none can be restored."""
        account = order.choice.account
        through = await self._store.read(lambda reader: queries.version_of(reader, account))
        done: list[RestoredUnit] = []
        refused: MailboxRefused | None = None
        while refused is None:
            unit = provenance.of_unit(len(done))
            try:
                restored = await self._store.write(
                    lambda tx, unit=unit: self._unit(tx, order, through, unit),  # type: ignore[misc]
                    long=True,
                )
            except MailboxRefused as error:
                if not done:
                    raise
                refused = error
            else:
                if restored is None:
                    break
                done.append(restored)
        return Restored(await self._store.read(lambda reader: _by_name(reader, account, done)), refused)

    def _unit(self, tx: Transaction, order: RestoreOrder, through: int, provenance: Provenance) -> RestoredUnit | None:
        """Restore messages of one mailbox; None when there are no more. Raises MailboxRefused."""
        account = order.choice.account
        done = [entry.event for entry in tx.answered(provenance.command) if isinstance(entry.event, MessagesRestored)]
        if done:
            return RestoredUnit(done[0].target, count(done[0].uids))
        if load.closing_of(tx, account):
            raise MailboxRefused("CLOSED", "the account was removed")
        messages = next_of(tx, order.choice, EVENT_MESSAGES, through)
        if messages is None:
            return None
        target = _target(tx, account, order.into, messages)
        self._check_keywords(tx, target, messages)
        more = Usage(messages.size, count(messages.uids))
        decide.uids_left(target, more.messages)
        used = load.used(tx, account)
        if order.keeps_quota:
            check_quota(used, more, order.quota)
        event = MessagesRestored(account, messages.mailbox_id, target.id, messages.uids, target.uid_next)
        tx.append(account, [event], provenance)
        note_growth(tx, account, order.quota, used.plus(more), self._ids, provenance)
        return RestoredUnit(target.id, more.messages)

    def _check_keywords(self, tx: Transaction, target: MailboxState, messages: ChosenUids) -> None:
        """Check that a mailbox may have the keywords of these messages. Raises MailboxRefused LIMIT."""
        if target.id == messages.mailbox_id:
            return  # a mailbox keeps the keywords that it ever had
        most = self._limits.max_keywords
        words = chosen.keywords_of(tx, messages.mailbox_id, messages.uids, most, table="removed_entry")
        if words:
            known, new = chosen.new_keywords(tx, target.id, words)
            decide.keywords_left(known, new, most)


def _target(reader: Reader, account: str, into: str, messages: ChosenUids) -> MailboxState:
    """Where messages come back: the named mailbox, else their own, else one of its name, else INBOX."""
    if into:
        return as_goal(load.mailbox_by_name(reader, account, into))
    own = load.mailbox_if_any(reader, account, messages.mailbox_id, "")
    named = own or load.mailbox_if_any(reader, account, "", messages.name)
    return named[0] if named else load.mailbox_by_name(reader, account, INBOX)


def _by_name(reader: Reader, account: str, units: Sequence[RestoredUnit]) -> dict[str, int]:
    """The number of messages by the name that their mailbox has now."""
    names: dict[str, int] = {}
    for unit in units:
        there = load.mailbox_if_any(reader, account, unit.mailbox, "")
        name = there[0].name if there else unit.mailbox
        names[name] = names.get(name, 0) + unit.messages
    return names
