"""The rules of the server and of domains about how long messages stay in Trash and Spam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.directory.handlers.commands import append
from services.directory.projections.expiry import SERVER
from services.directory.settings import ExpirySettings
from shared.events.expiry import ServerExpiryChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.expiry import NEVER, ExpiryRule

TRASH, SPAM = "trash", "spam"
_SETTINGS = Provenance(Actor("system", id="settings"))


class MailboxRules(NamedTuple):
    """The rules for the mailboxes of an account."""

    trash: ExpiryRule
    spam: ExpiryRule


async def note_settings(store: EventStore, settings: ExpirySettings) -> None:
    """Record, at a start, that the server's rules are others than before."""
    given = {TRASH: settings.trash_days, SPAM: settings.spam_days}

    def work(tx: Transaction) -> None:
        known = _rules(tx, SERVER)
        events = [
            ServerExpiryChanged(use, days, previous)
            for use, days in given.items()
            if (previous := max(known.get(use, ExpiryRule()).days, NEVER)) != days
        ]
        append(tx, "expiry", events, _SETTINGS)

    await store.write(work)


def has_rules(reader: Reader) -> bool:
    """Whether any rule of the server or of a domain removes messages."""
    return reader.first_row("SELECT 1 FROM expiry_rule WHERE days > 0 LIMIT 1") is not None


def rules_of(reader: Reader, accounts: Sequence[str]) -> dict[str, MailboxRules]:
    """The rules for these accounts; those that do not exist are left out."""
    domains = _domains(reader, accounts)
    server = _rules(reader, SERVER)
    whole = {domain: _whole(_rules(reader, domain), server) for domain in set(domains.values())}
    return {account: whole[domain] for account, domain in domains.items()}


def _domains(reader: Reader, accounts: Sequence[str]) -> dict[str, str]:
    """The ids of the domains of these accounts."""
    if not accounts:
        return {}
    marks = ", ".join("?" * len(accounts))
    of_accounts = f"WHERE account.id IN ({marks})"
    sql = f"SELECT account.id, domain.id FROM account JOIN domain ON domain.name = account.domain {of_accounts}"  # noqa: S608
    return dict(reader.all(sql, tuple(accounts)))


def _rules(reader: Reader, scope: str) -> Mapping[str, ExpiryRule]:
    rows = reader.all("SELECT mailboxes, days, since FROM expiry_rule WHERE scope = ?", (scope,))
    return {mailboxes: ExpiryRule(days, since) for mailboxes, days, since in rows}


def _whole(own: Mapping[str, ExpiryRule], server: Mapping[str, ExpiryRule]) -> MailboxRules:
    nothing = ExpiryRule()
    return MailboxRules(*(own.get(use, nothing).within(server.get(use, nothing)) for use in (TRASH, SPAM)))
