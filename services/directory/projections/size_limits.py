"""The accounts and applications that have a size limit of their own."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from shared.events.account_limits import AccountSizeLimitChanged
from shared.events.credentials import ApplicationRemoved
from shared.events.directory import AccountRemoved
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SET = "INSERT INTO size_limit (id, octets) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET octets = excluded.octets"
_UNSET = "DELETE FROM size_limit WHERE id = ?"


class SizeLimitProjection:
    """Keeps a row for each account or application with a limit, so that the others have no further column."""

    name = "size-limits"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "size_limit",
                metadata,
                Column("id", Text, primary_key=True),
                Column("octets", BigInteger, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountSizeLimitChanged(identity, octets) if octets:
                connection.execute(_SET, (identity, octets))
            case AccountSizeLimitChanged(id=identity) | AccountRemoved(id=identity) | ApplicationRemoved(id=identity):
                connection.execute(_UNSET, (identity,))
