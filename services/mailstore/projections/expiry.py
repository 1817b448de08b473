"""The mailboxes that may forget messages: Trash and Spam by their special use, and those with a rule of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from services.mailstore.domain.state import JUNK, TRASH
from shared.events.closing import AccountErased, AccountReopened
from shared.events.expiry import MailboxExpiryChanged
from shared.events.mailbox import AccountOpened, MailboxCreated, MailboxDeleted, NewMailbox
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded
from shared.expiry import INHERITED, ExpiryRule

_READ = "SELECT days, since FROM expiring_mailbox WHERE account = ? AND mailbox = ?"
_WRITE = (
    "INSERT INTO expiring_mailbox (account, mailbox, use, days, since) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (account, mailbox) DO UPDATE SET days = excluded.days, since = excluded.since"
)


class ExpiringMailboxProjection:
    """Keeps a row for each such mailbox."""

    name = "expiring-mailboxes"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_expiring_mailbox(metadata),)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountOpened(account, mailboxes):
                _made(connection, account, mailboxes)
            case MailboxCreated(account, mailbox):
                _made(connection, account, (mailbox,))
            case MailboxDeleted(account, mailbox_id):
                connection.execute(
                    "DELETE FROM expiring_mailbox WHERE account = ? AND mailbox = ?", (account, mailbox_id)
                )
            case AccountReopened(account):  # a restored archive loses nothing at once
                connection.execute("UPDATE expiring_mailbox SET since = ? WHERE account = ?", (recorded.at, account))
            case AccountErased(account):
                connection.execute("DELETE FROM expiring_mailbox WHERE account = ?", (account,))
            case MailboxExpiryChanged(account, mailbox_id, days):
                row = connection.first_row(_READ, (account, mailbox_id))
                rule = (ExpiryRule(*row) if row is not None else ExpiryRule()).changed(days, recorded.at)
                connection.execute(_WRITE, (account, mailbox_id, "", rule.days, rule.since))


def _made(connection: Connection, account: str, mailboxes: Iterable[NewMailbox]) -> None:
    for mailbox in mailboxes:
        if mailbox.special_use in (JUNK, TRASH):
            connection.execute(_WRITE, (account, mailbox.id, mailbox.special_use, INHERITED, 0))


def _expiring_mailbox(metadata: MetaData) -> Table:
    return Table(
        "expiring_mailbox",
        metadata,
        Column("account", Text, primary_key=True),
        Column("mailbox", Text, primary_key=True),
        Column("use", Text, nullable=False),
        Column("days", Integer, nullable=False),
        Column("since", BigInteger, nullable=False),
        Index("expiring_mailbox_days", "days"),
        sqlite_with_rowid=False,
    )
