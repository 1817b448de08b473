"""Commands on accounts and mailboxes: open, create, delete, rename, subscribe."""

from __future__ import annotations

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.state import ALL, DefaultMailboxes, MailboxState
from services.mailstore.handlers import load, naming
from services.mailstore.handlers.inherited_rights import inherited_rights
from services.mailstore.handlers.quota_warnings import note_decrease
from services.mailstore.projections import chosen
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock
from shared.events.mailbox import MailboxDeleted, MessagesMoved
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.imap.mailbox_name import INBOX, canonical_name
from shared.protocol.imap.ranges import Ranges, above, count


def ensure_open(
    transaction: Transaction,
    account: str,
    ids: Ids,
    clock: Clock,
    mailboxes: DefaultMailboxes,
    provenance: Provenance,
) -> None:
    """Give the account its default mailboxes on first use.

    Raises MailboxRefused CLOSED for an account that the directory removed.
    """
    is_open, closing = load.life_of(transaction, account)
    if closing:
        raise MailboxRefused("CLOSED", "the account was removed")
    if not is_open:
        validity = naming.next_uid_validity(transaction, clock)
        event = decide.open_account(account, mailboxes, lambda: ids.new(IdKind.MAILBOX), validity)
        transaction.append(account, [event], Provenance(provenance.actor, provenance.cause, provenance.correlation))


class MailboxCommands:
    """The bodies of units of work for commands on mailboxes."""

    def __init__(self, ids: Ids, clock: Clock, limits: MailstoreSettings) -> None:
        self._ids = ids
        self._clock = clock
        self._limits = limits

    def create(
        self, transaction: Transaction, account: str, name: str, use: str, provenance: Provenance
    ) -> MailboxState:
        """CREATE, with a special use or without (RFC 6154 §3)."""
        name = name.removesuffix("/")
        _check_in_use(transaction, account)
        if not transaction.answered(provenance.command):
            place = naming.place(transaction, account, name, use)
            validity = naming.next_uid_validity(transaction, self._clock)
            limit = self._limits.max_mailboxes
            events = decide.create_mailbox(account, name, use, place, self._new_id, validity, limit)
            inherited = inherited_rights(transaction, account, name, events)
            transaction.append(account, [*events, *inherited], provenance)
        return load.mailbox_by_name(transaction, account, name)

    def delete(self, transaction: Transaction, account: str, name: str, provenance: Provenance) -> MailboxState:
        """DELETE."""
        done = transaction.answered(provenance.command)
        if done and isinstance(done[0].event, MailboxDeleted):
            return _deleted_before(done[0].event)
        mailbox = load.mailbox_by_name(transaction, account, name)
        is_default = (mailbox.name, mailbox.special_use) in self._limits.default_mailboxes()
        subscribed = is_default and naming.subscribed(transaction, account, mailbox.name)
        transaction.append(
            account, decide.delete_mailbox(account, mailbox, subscribed_by_server=subscribed), provenance
        )
        note_decrease(transaction, account, provenance)
        return mailbox

    def rename(
        self, transaction: Transaction, account: str, name: str, new_name: str, provenance: Provenance
    ) -> tuple[MailboxState, Ranges]:
        """RENAME; a rename of INBOX moves its messages instead (RFC 3501 §6.3.5).

        Returns the mailbox, and the UIDs that are still to be moved out of INBOX.
        """
        new_name = new_name.removesuffix("/")
        if canonical_name(name) == INBOX:
            return self._rename_inbox(transaction, account, new_name, provenance)
        if not transaction.answered(provenance.command):
            _check_renamable(transaction, account, name)
            tree = naming.tree(transaction, account, name, new_name)
            validity = naming.next_uid_validity(transaction, self._clock)
            limit = self._limits.max_mailboxes
            events = decide.rename_mailbox(account, name, new_name, tree, self._new_id, validity, limit)
            transaction.append(account, events, provenance)
        return load.mailbox_by_name(transaction, account, new_name), ()

    def empty(self, transaction: Transaction, account: str, name: str, provenance: Provenance) -> None:
        """Remove a mailbox's messages before a DELETE, as many as one event names."""
        mailbox = load.mailbox_by_name(transaction, account, name)
        decide.deletable(mailbox)
        if not transaction.answered(provenance.command):
            uids = chosen.messages(transaction, mailbox.id, _up_to(mailbox), most=decide.EVENT_MESSAGES).uids
            transaction.append(account, decide.expunge(account, mailbox.id, uids), provenance)
            note_decrease(transaction, account, provenance)

    def empty_inbox(
        self, transaction: Transaction, account: str, goal: str, uids: Ranges, provenance: Provenance
    ) -> Ranges:
        """Move messages from INBOX to a mailbox, as many as one event names; returns the UIDs that remain."""
        inbox = load.mailbox_by_name(transaction, account, INBOX)
        done = [
            entry.event for entry in transaction.answered(provenance.command) if isinstance(entry.event, MessagesMoved)
        ]
        if not done:
            messages = chosen.messages(transaction, inbox.id, uids, most=decide.EVENT_MESSAGES)
            target = load.mailbox_by_id(transaction, account, goal)
            events = decide.move(account, inbox.id, target, messages.uids)
            transaction.append(account, events, provenance)
            done = [event for event in events if isinstance(event, MessagesMoved)]
        moved = done[0].uids if done else ()
        return above(uids, moved[-1][1]) if count(moved) == decide.EVENT_MESSAGES else ()

    def subscribe(
        self, transaction: Transaction, account: str, name: str, subscribed: bool, provenance: Provenance
    ) -> None:
        """SUBSCRIBE and UNSUBSCRIBE; a name may be subscribed without a mailbox (RFC 3501 §6.3.6)."""
        name = canonical_name(name)
        _check_in_use(transaction, account)
        known = naming.subscribed(transaction, account, name)
        if known != subscribed:
            total, limit = naming.subscriptions(transaction, account), self._limits.max_subscriptions
            transaction.append(account, decide.subscribe(account, name, subscribed, total, limit), provenance)

    def _rename_inbox(
        self, transaction: Transaction, account: str, new_name: str, provenance: Provenance
    ) -> tuple[MailboxState, Ranges]:
        inbox = load.mailbox_by_name(transaction, account, INBOX)
        done = transaction.answered(provenance.command)
        goal = self.create(transaction, account, new_name, "", provenance)
        if done:
            moved = [span for entry in done if isinstance(entry.event, MessagesMoved) for span in entry.event.uids]
            more = count(moved) == decide.EVENT_MESSAGES
            return goal, above(_up_to(inbox), moved[-1][1]) if more else ()
        messages = chosen.messages(transaction, inbox.id, _up_to(inbox), most=decide.EVENT_MESSAGES)
        transaction.append(account, decide.move(account, inbox.id, goal, messages.uids), provenance)
        more = messages.count == decide.EVENT_MESSAGES
        return goal, above(_up_to(inbox), messages.uids[-1][1]) if more else ()

    def _new_id(self) -> str:
        return self._ids.new(IdKind.MAILBOX)


def _check_in_use(transaction: Transaction, account: str) -> None:
    """Check that a session did not outlive its account. Raises MailboxRefused CLOSED."""
    if load.closing_of(transaction, account):
        raise MailboxRefused("CLOSED", "the account was removed")


def _check_renamable(transaction: Transaction, account: str, name: str) -> None:
    """Check that a mailbox may have another name. Raises MailboxRefused NONEXISTENT, or CANNOT for All Mail."""
    if load.mailbox_by_name(transaction, account, name).special_use == ALL:
        raise MailboxRefused("CANNOT", f"{name} cannot be renamed")


def _up_to(mailbox: MailboxState) -> Ranges:
    """All UIDs that the mailbox has assigned so far."""
    return ((1, mailbox.uid_next),)


def _deleted_before(done: MailboxDeleted) -> MailboxState:
    return MailboxState(done.mailbox, done.name, 0, 0, "", 0, 0, 0, 0, 0)
