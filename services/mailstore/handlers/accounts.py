"""Commands on accounts and mailboxes: open, create, delete, rename, subscribe."""

from __future__ import annotations

import msgspec

from services.mailstore.domain import decide
from services.mailstore.domain.names import INBOX, canonical
from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load
from shared.clock import Clock
from shared.events.mailbox import MailboxCreated, MailboxDeleted, MailboxSubscribed
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import Ids, Kind

_UID_VALIDITY_EPOCH = 1_500_000_000
_LAST_MADE = (
    "SELECT data FROM (SELECT type, version, data FROM event WHERE stream = ? ORDER BY version DESC LIMIT 500) AS recent"
    " WHERE type = 'mailbox.created' ORDER BY version DESC LIMIT 1"
)


def ensure_open(transaction: Transaction, account: str, ids: Ids, clock: Clock, why: Provenance) -> None:
    """Give the account its default mailboxes on first use."""
    if not load.is_open(transaction, account):
        fact = decide.open_account(account, lambda: ids.new(Kind.MAILBOX), _seconds(clock))
        transaction.append(account, [fact], Provenance(why.actor, why.cause, why.correlation))


def _seconds(clock: Clock) -> int:
    """RFC 3501 §2.3.1.1: seconds, which do not go back, so that neither a remade mailbox nor a remade account repeats
    itself.
    """
    return clock.now() // 1_000_000 - _UID_VALIDITY_EPOCH


def _uid_validity(transaction: Transaction, account: str, clock: Clock) -> int:
    """Above that of the account's last mailbox made, which may be as young as this second and be deleted already."""
    row = transaction.one(_LAST_MADE, (account,))
    last = msgspec.json.decode(bytes(row[0]), type=MailboxCreated).mailbox.uid_validity if row else 0
    return max(_seconds(clock), last + 1)


class MailboxCommands:
    """Each method is a unit of work's body."""

    def __init__(self, ids: Ids, clock: Clock, limit: int) -> None:
        self._ids = ids
        self._clock = clock
        self._limit = limit

    def create(self, transaction: Transaction, account: str, name: str, use: str, why: Provenance) -> MailboxState:
        """CREATE, with a special use or without (RFC 6154 §3)."""
        existing = {mailbox.name: mailbox.special_use for mailbox in load.mailboxes(transaction, account)}
        if not transaction.answered(why.command):
            validity = _uid_validity(transaction, account, self._clock)
            transaction.append(
                account, decide.create_mailbox(account, name, use, existing, self._new_id, validity, self._limit), why
            )
        return load.mailbox_by_name(transaction, account, name.removesuffix("/"))

    def delete(self, transaction: Transaction, account: str, name: str, why: Provenance) -> MailboxState:
        """DELETE."""
        done = transaction.answered(why.command)
        if done and isinstance(done[0].event, MailboxDeleted):
            return _deleted_before(done[0].event)
        mailbox = load.mailbox_by_name(transaction, account, name)
        transaction.append(account, decide.delete_mailbox(account, mailbox), why)
        return mailbox

    def rename(self, transaction: Transaction, account: str, name: str, new_name: str, why: Provenance) -> MailboxState:
        """RENAME; INBOX keeps its name and gives its messages away (RFC 3501 §6.3.5)."""
        if canonical(name) == INBOX:
            return self._empty_inbox(transaction, account, new_name, why)
        existing = {mailbox.name: mailbox.id for mailbox in load.mailboxes(transaction, account)}
        if not transaction.answered(why.command):
            validity = _uid_validity(transaction, account, self._clock)
            transaction.append(
                account, decide.rename_mailbox(account, name, new_name, existing, self._new_id, validity), why
            )
        return load.mailbox_by_name(transaction, account, new_name.removesuffix("/"))

    def subscribe(self, transaction: Transaction, account: str, name: str, subscribed: bool, why: Provenance) -> None:
        """SUBSCRIBE and UNSUBSCRIBE; a name may be subscribed without a mailbox (RFC 3501 §6.3.6)."""
        name = canonical(name)
        known = (
            transaction.one("SELECT 1 FROM subscription WHERE account = ? AND name = ?", (account, name)) is not None
        )
        if known != subscribed:
            transaction.append(account, [MailboxSubscribed(account, name, subscribed)], why)

    def _empty_inbox(self, transaction: Transaction, account: str, new_name: str, why: Provenance) -> MailboxState:
        repeated = bool(transaction.answered(why.command))
        goal = self.create(transaction, account, new_name, "", why)
        if repeated:
            return goal
        inbox = load.mailbox_by_name(transaction, account, INBOX)
        uids = [entry.uid for entry in load.entries(transaction, inbox.id, [(1, inbox.uid_next)])]
        transaction.append(account, decide.move(account, inbox.id, goal, uids), why)
        return goal

    def _new_id(self) -> str:
        return self._ids.new(Kind.MAILBOX)


def _deleted_before(done: MailboxDeleted) -> MailboxState:
    return MailboxState(done.mailbox, done.name, 0, 0, "", 0, 0, 0, 0, 0)
