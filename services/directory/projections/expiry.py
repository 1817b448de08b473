"""The rules of the server and of domains for Trash and Spam, with the time since which they are in force."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from shared.events.directory import DomainRemoved, DomainValueChanged
from shared.events.expiry import ServerExpiryChanged
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded
from shared.expiry import ExpiryRule, days_of
from shared.routing.domain_values import EXPIRY_VALUES

SERVER = ""
"""The scope of the server's rules; that of a domain is its id."""
_READ = "SELECT days, since FROM expiry_rule WHERE scope = ? AND mailboxes = ?"
_WRITE = (
    "INSERT INTO expiry_rule (scope, mailboxes, days, since) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (scope, mailboxes) DO UPDATE SET days = excluded.days, since = excluded.since"
)


class ExpiryRuleProjection:
    """Keeps a row for each rule that was ever given."""

    name = "expiry-rules"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_expiry_rule(metadata),)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case ServerExpiryChanged(use, days):
                _change(connection, SERVER, use, days, recorded.at)
            case DomainValueChanged(domain, name, value) if name in EXPIRY_VALUES:
                _change(connection, domain, EXPIRY_VALUES[name], days_of(value or "default"), recorded.at)
            case DomainRemoved(domain):
                connection.execute("DELETE FROM expiry_rule WHERE scope = ?", (domain,))


def _change(connection: Connection, scope: str, mailboxes: str, days: int, at: int) -> None:
    row = connection.first_row(_READ, (scope, mailboxes))
    rule = (ExpiryRule(*row) if row is not None else ExpiryRule()).changed(days, at)
    connection.execute(_WRITE, (scope, mailboxes, rule.days, rule.since))


def _expiry_rule(metadata: MetaData) -> Table:
    return Table(
        "expiry_rule",
        metadata,
        Column("scope", Text, primary_key=True),
        Column("mailboxes", Text, primary_key=True),
        Column("days", Integer, nullable=False),
        Column("since", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
