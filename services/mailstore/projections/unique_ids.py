"""Keeps the unique ids that messages had on a former server (RFC 1939 §7, UIDL); no other code changes this table.

A row stays when its message is removed: the id must never name another message, and the message may be restored.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from shared.events.closing import AccountErased
from shared.events.maildrop import UniqueIdsGiven
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SET = (
    "INSERT INTO unique_id (account, entry, unique_id) VALUES (?, ?, ?)"
    " ON CONFLICT (account, entry) DO UPDATE SET unique_id = excluded.unique_id"
)


class UniqueIdProjection:
    """Keeps a row for each message with such an id. All other messages have the id of their entry."""

    name = "unique_ids"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        table = Table(
            "unique_id",
            metadata,
            Column("account", Text),
            Column("entry", Text),
            Column("unique_id", Text, nullable=False),
            PrimaryKeyConstraint("account", "entry"),
            Index("unique_id_value", "account", "unique_id"),
            sqlite_with_rowid=False,
        )
        self.tables: Sequence[sqlalchemy.Table] = (table,)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case UniqueIdsGiven(account, ids):
                for given in ids:
                    connection.execute(_SET, (account, given.entry, given.unique_id))
            case AccountErased(account):
                connection.execute("DELETE FROM unique_id WHERE account = ?", (account,))
