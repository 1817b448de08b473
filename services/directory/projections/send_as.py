"""Applies events to the rights to send as accounts of others; no other code changes this table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, Index, MetaData, Table, Text

from shared.events.directory import AccountRemoved, UserRemoved
from shared.events.send_as import SendAsGranted, SendAsRevoked
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_INSERT = "INSERT INTO send_as (account, person) VALUES (?, ?) ON CONFLICT (account, person) DO NOTHING"


class SendAsProjection:
    """Keeps a row for each account and user."""

    name = "send_as"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        table = Table(
            "send_as",
            metadata,
            Column("account", Text, primary_key=True),
            Column("person", Text, primary_key=True),
            Index("send_as_person", "person"),
            sqlite_with_rowid=False,
        )
        self.tables: Sequence[sqlalchemy.Table] = (table,)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case SendAsGranted(user, account):
                connection.execute(_INSERT, (account, user))
            case SendAsRevoked(user, account):
                connection.execute("DELETE FROM send_as WHERE account = ? AND person = ?", (account, user))
            case AccountRemoved(identity):
                connection.execute("DELETE FROM send_as WHERE account = ?", (identity,))
            case UserRemoved(identity):
                connection.execute("DELETE FROM send_as WHERE person = ?", (identity,))
            case _:
                pass
