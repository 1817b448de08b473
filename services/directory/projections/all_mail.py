"""Applies events to the switches of accounts for the All Mail mailbox; no other code changes this table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, MetaData, Table, Text

from shared.events.all_mail import AccountAllMailChanged
from shared.events.directory import AccountRemoved
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_WRITE = (
    "INSERT INTO all_mail (account, value) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET value = excluded.value"
)


class AllMailProjection:
    """Keeps a row for each account with a value of its own."""

    name = "all_mail"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        table = Table(
            "all_mail",
            metadata,
            Column("account", Text, primary_key=True),
            Column("value", Text, nullable=False),
            sqlite_with_rowid=False,
        )
        self.tables: Sequence[sqlalchemy.Table] = (table,)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountAllMailChanged(identity, value) if value:
                connection.execute(_WRITE, (identity, value))
            case AccountAllMailChanged(identity) | AccountRemoved(identity):
                connection.execute("DELETE FROM all_mail WHERE account = ?", (identity,))
