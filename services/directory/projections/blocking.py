"""Applies events to the lists of blocked and allowed senders; no other code changes their table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Boolean, Column, Index, MetaData, Table, Text

from services.directory.domain.blocking import needs_comparison
from shared.events.archives import AccountDeleted, AccountRestored
from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.events.directory import AccountRemoved
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class BlockingProjection:
    """Keeps the lists, and those of removed accounts until they are restored or deleted for good."""

    name = "blocking"
    version = 2

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "blocking_entry",
                metadata,
                Column("key", Text, primary_key=True),
                Column("account", Text, nullable=False),
                Column("list", Text, nullable=False),
                Column("pattern", Text, nullable=False),
                Column("compared", Boolean, nullable=False),
                Index("blocking_entry_list", "account", "list", "pattern"),
            ),
            Table(
                "kept_blocking_entry",
                metadata,
                Column("account", Text, primary_key=True),
                Column("pattern", Text, primary_key=True),
                Column("list", Text, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case BlockingEntriesAdded(account, chosen, patterns):
                for pattern in patterns:
                    connection.execute(
                        "INSERT INTO blocking_entry (key, account, list, pattern, compared) VALUES (?, ?, ?, ?, ?)",
                        (entry_key(account, pattern), account, chosen, pattern, needs_comparison(pattern)),
                    )
            case BlockingEntriesRemoved(account, _, patterns):
                for pattern in patterns:
                    connection.execute("DELETE FROM blocking_entry WHERE key = ?", (entry_key(account, pattern),))
            case AccountRemoved(account):
                _keep(connection, account)
            case AccountRestored(account) | AccountDeleted(account):
                connection.execute("DELETE FROM kept_blocking_entry WHERE account = ?", (account,))
            case _:
                pass


def _keep(connection: Connection, account: str) -> None:
    for chosen, pattern in connection.all("SELECT list, pattern FROM blocking_entry WHERE account = ?", (account,)):
        connection.execute(
            "INSERT INTO kept_blocking_entry (account, pattern, list) VALUES (?, ?, ?)", (account, pattern, chosen)
        )
    connection.execute("DELETE FROM blocking_entry WHERE account = ?", (account,))


def entry_key(account: str, pattern: str) -> str:
    """The key of an entry: a pattern is on one list of an account at most."""
    return f"{account} {pattern}"
