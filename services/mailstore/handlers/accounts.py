"""Commands on accounts and mailboxes: open, create, delete, rename, subscribe."""

from __future__ import annotations

from services.mailstore.domain import decide
from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load, naming
from services.mailstore.projections import chosen
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock
from shared.events.mailbox import MailboxDeleted
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import Ids, Kind
from shared.protocol.imap.mailbox_name import INBOX, canonical_name


def ensure_open(transaction: Transaction, account: str, ids: Ids, clock: Clock, why: Provenance) -> None:
    """Give the account its default mailboxes on first use."""
    if not load.is_open(transaction, account):
        validity = naming.next_uid_validity(transaction, clock)
        event = decide.open_account(account, lambda: ids.new(Kind.MAILBOX), validity)
        transaction.append(account, [event], Provenance(why.actor, why.cause, why.correlation))


class MailboxCommands:
    """Each method is a unit of work's body."""

    def __init__(self, ids: Ids, clock: Clock, limits: MailstoreSettings) -> None:
        self._ids = ids
        self._clock = clock
        self._limits = limits

    def create(self, transaction: Transaction, account: str, name: str, use: str, why: Provenance) -> MailboxState:
        """CREATE, with a special use or without (RFC 6154 §3)."""
        name = name.removesuffix("/")
        if not transaction.answered(why.command):
            place = naming.place(transaction, account, name, use)
            validity = naming.next_uid_validity(transaction, self._clock)
            limit = self._limits.max_mailboxes
            events = decide.create_mailbox(account, name, use, place, self._new_id, validity, limit)
            transaction.append(account, events, why)
        return load.mailbox_by_name(transaction, account, name)

    def delete(self, transaction: Transaction, account: str, name: str, why: Provenance) -> MailboxState:
        """DELETE."""
        done = transaction.answered(why.command)
        if done and isinstance(done[0].event, MailboxDeleted):
            return _deleted_before(done[0].event)
        mailbox = load.mailbox_by_name(transaction, account, name)
        subscribed = naming.subscribed(transaction, account, mailbox.name)
        transaction.append(account, decide.delete_mailbox(account, mailbox, subscribed=subscribed), why)
        return mailbox

    def rename(self, transaction: Transaction, account: str, name: str, new_name: str, why: Provenance) -> MailboxState:
        """RENAME; INBOX keeps its name and gives its messages away (RFC 3501 §6.3.5)."""
        new_name = new_name.removesuffix("/")
        if canonical_name(name) == INBOX:
            return self._empty_inbox(transaction, account, new_name, why)
        if not transaction.answered(why.command):
            tree = naming.tree(transaction, account, name, new_name)
            validity = naming.next_uid_validity(transaction, self._clock)
            limit = self._limits.max_mailboxes
            events = decide.rename_mailbox(account, name, new_name, tree, self._new_id, validity, limit)
            transaction.append(account, events, why)
        return load.mailbox_by_name(transaction, account, new_name)

    def subscribe(self, transaction: Transaction, account: str, name: str, subscribed: bool, why: Provenance) -> None:
        """SUBSCRIBE and UNSUBSCRIBE; a name may be subscribed without a mailbox (RFC 3501 §6.3.6)."""
        name = canonical_name(name)
        known = naming.subscribed(transaction, account, name)
        if known != subscribed:
            total, limit = naming.subscriptions(transaction, account), self._limits.max_subscriptions
            transaction.append(account, decide.subscribe(account, name, subscribed, total, limit), why)

    def _empty_inbox(self, transaction: Transaction, account: str, new_name: str, why: Provenance) -> MailboxState:
        repeated = bool(transaction.answered(why.command))
        goal = self.create(transaction, account, new_name, "", why)
        if repeated:
            return goal
        inbox = load.mailbox_by_name(transaction, account, INBOX)
        uids = chosen.messages(transaction, inbox.id, ((1, inbox.uid_next),)).uids
        transaction.append(account, decide.move(account, inbox.id, goal, uids), why)
        return goal

    def _new_id(self) -> str:
        return self._ids.new(Kind.MAILBOX)


def _deleted_before(done: MailboxDeleted) -> MailboxState:
    return MailboxState(done.mailbox, done.name, 0, 0, "", 0, 0, 0, 0, 0)
