"""Applies events to the switches of accounts for POP3; no other code changes this table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, MetaData, Table, Text

from shared.events.directory import AccountRemoved
from shared.events.pop3 import AccountPop3Changed
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_WRITE = (
    "INSERT INTO pop3_switch (account, value) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET value = excluded.value"
)


class Pop3SwitchProjection:
    """Keeps a row for each account with a value of its own."""

    name = "pop3_switch"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        table = Table(
            "pop3_switch",
            metadata,
            Column("account", Text, primary_key=True),
            Column("value", Text, nullable=False),
            sqlite_with_rowid=False,
        )
        self.tables: Sequence[sqlalchemy.Table] = (table,)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountPop3Changed(identity, value) if value:
                connection.execute(_WRITE, (identity, value))
            case AccountPop3Changed(identity) | AccountRemoved(identity):
                connection.execute("DELETE FROM pop3_switch WHERE account = ?", (identity,))
