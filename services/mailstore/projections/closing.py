"""Keeps which accounts the directory has removed; no other code changes this table.

It also erases what is left of an account: `AccountErased` ends all rows of the account, in every table of the
mailstore, and so any part of its former events gives no row either.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from services.mailstore.domain.closing import ARCHIVED, ERASED, ERASING
from shared.events.closing import AccountClosed, AccountErased, AccountReopened
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SET = (
    "INSERT INTO closed_account (account, state, version) VALUES (?, ?, ?)"
    " ON CONFLICT (account) DO UPDATE SET state = excluded.state, version = excluded.version"
)


class ClosingProjection:
    """Keeps a row for each archived or erased account."""

    name = "closing"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "closed_account",
                metadata,
                Column("account", Text, primary_key=True),
                Column("state", Text, nullable=False),
                Column("version", BigInteger, nullable=False),
                Index("closed_account_state", "state", "account"),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountClosed(account, erase):
                connection.execute(_SET, (account, ERASING if erase else ARCHIVED, recorded.version))
            case AccountReopened(account):
                connection.execute("DELETE FROM closed_account WHERE account = ?", (account,))
            case AccountErased(account):
                connection.execute(_SET, (account, ERASED, recorded.version))


def erase_rows(connection: Connection, account: str) -> None:
    """Delete all rows of an account in the tables of its mailboxes."""
    for (mailbox,) in connection.all("SELECT id FROM mailbox WHERE account = ?", (account,)):
        for table in ("entry", "vanished", "changed", "keyword", "all_mail_link", "all_mailbox"):
            connection.execute(f"DELETE FROM {table} WHERE mailbox = ?", (mailbox,))  # noqa: S608
    for table in ("mailbox", "subscription", "thread_reference", "removed_entry", "removal", "account"):
        connection.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608
