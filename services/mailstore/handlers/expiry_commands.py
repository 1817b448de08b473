"""Commands and questions about the rules of mailboxes: how long messages stay, and what a rule would remove."""

from __future__ import annotations

from typing import NamedTuple

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.state import JUNK, TRASH, MailboxState
from services.mailstore.handlers import load
from services.mailstore.handlers.all_mail import as_goal
from services.mailstore.handlers.expiry import ExpiringMailbox, ExpiryRules
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock
from shared.events.expiry import MailboxExpiryChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.expiry import INHERITED, MOST_DAYS, NEVER, ExpiryRule

_MOST_MAILBOXES = 1000
_OF_ACCOUNT = (
    "SELECT account, mailbox, use, days, since FROM expiring_mailbox WHERE account = ? ORDER BY mailbox LIMIT ?"
)
_OF_MAILBOX = "SELECT account, mailbox, use, days, since FROM expiring_mailbox WHERE account = ? AND mailbox = ?"
_BORDERS = "SELECT min(saved), max(saved) FROM entry WHERE mailbox = ?"
_DUE = "SELECT count(*) FROM entry WHERE mailbox = ? AND saved <= ?"


class Prospect(NamedTuple):
    """What the rule of a mailbox will do."""

    name: str
    own_days: int
    days: int
    """The rule in force."""
    messages: int
    at_once: int
    first_at: int
    last_at: int


class ExpiryCommands:
    """The commands."""

    def __init__(self, store: EventStore, rules: ExpiryRules, clock: Clock, limits: MailstoreSettings) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._limits = limits

    async def listed(self, account: str) -> list[Prospect]:
        """What the rules of an account's mailboxes will do. Raises ServiceError."""
        wider = (await self._rules.of([account])).get(account, {})
        now = self._clock.now()

        def ask(reader: Reader) -> list[Prospect]:
            rows = [ExpiringMailbox(*row) for row in reader.all(_OF_ACCOUNT, (account, _MOST_MAILBOXES))]
            return [
                _prospect(reader, load.mailbox_by_id(reader, account, row.mailbox), row, wider, now) for row in rows
            ]

        return sorted(await self._store.read_long(ask))

    async def change(
        self, account: str, name: str, days: int, provenance: Provenance, *, dry_run: bool, by_owner: bool = False
    ) -> Prospect:
        """Set the rule of a mailbox. Raises MailboxRefused NONEXISTENT or LIMIT, ServiceError.

        `by_owner`: within what the settings let owners do.
        """
        if by_owner:
            _check_permitted(days, self._limits)
        if not INHERITED <= days <= MOST_DAYS:
            raise MailboxRefused("LIMIT", f"messages stay for at most {MOST_DAYS} days, or for ever")
        wider = (await self._rules.of([account])).get(account, {})
        now = self._clock.now()

        def ask(reader: Reader) -> Prospect:
            mailbox = as_goal(load.mailbox_by_name(reader, account, name))
            return _prospect(reader, mailbox, _changed(_row(reader, account, mailbox), days, now), wider, now)

        def work(tx: Transaction) -> None:
            mailbox = as_goal(load.mailbox_by_name(tx, account, name))
            if _row(tx, account, mailbox).days != days:
                tx.append(account, [MailboxExpiryChanged(account, mailbox.id, days)], provenance)

        prospect = await self._store.read_long(ask)
        if not dry_run:
            await self._store.write(work)
        return prospect


def _check_permitted(days: int, limits: MailstoreSettings) -> None:
    """Check a rule that an owner gives. The rule of the domain or server may always be taken back.

    Raises MailboxRefused LIMIT.
    """
    if not limits.owner_expiry:
        raise MailboxRefused("LIMIT", "how long messages stay is set by the operator here")
    least, most = limits.owner_expiry_least, limits.owner_expiry_most
    if days > NEVER and days < least:
        raise MailboxRefused("LIMIT", f"messages stay for at least {least} days here")
    if most and days != INHERITED and not NEVER < days <= most:
        raise MailboxRefused("LIMIT", f"messages stay for at most {most} days here")


def _row(reader: Reader, account: str, mailbox: MailboxState) -> ExpiringMailbox:
    row = reader.first_row(_OF_MAILBOX, (account, mailbox.id))
    use = mailbox.special_use if mailbox.special_use in (TRASH, JUNK) else ""
    return ExpiringMailbox(*row) if row else ExpiringMailbox(account, mailbox.id, use, INHERITED, 0)


def _changed(row: ExpiringMailbox, days: int, now: int) -> ExpiringMailbox:
    rule = ExpiryRule(row.days, row.since).changed(days, now)
    return row._replace(days=rule.days, since=rule.since)


def _prospect(
    reader: Reader, mailbox: MailboxState, row: ExpiringMailbox, wider: dict[str, ExpiryRule], now: int
) -> Prospect:
    rule = row.rule(wider)
    first, last = reader.first_row(_BORDERS, (mailbox.id,)) or (None, None)
    until = rule.saved_until(now)
    due = reader.first_row(_DUE, (mailbox.id, until)) if until else None
    return Prospect(
        mailbox.name,
        row.days,
        rule.days,
        mailbox.messages,
        due[0] if due else 0,
        0 if first is None else rule.goes_at(first),
        0 if last is None else rule.goes_at(last),
    )
