"""How far the tables of a projection were forgotten, so that they follow from the events in any order of streams."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Column, MetaData, Table, Text

from shared.events.outbound import OutboundRowsForgotten
from shared.eventstore.connection import Connection


class Forgotten:
    """A row for each table, or for each account in a table: everything before `before` is forgotten.

    A projection asks before it adds a row. A row whose place is before `before` is not added, whether its event is
    folded before that of the forgetting or after it.
    """

    def __init__(self, name: str, metadata: MetaData) -> None:
        self.table = Table(
            name,
            metadata,
            Column("name", Text, primary_key=True),
            Column("account", Text, primary_key=True),
            Column("before", Text, nullable=False),
            sqlite_with_rowid=False,
        )
        self._limits = f"SELECT name, before FROM {name} WHERE account = '' OR account = ?"  # noqa: S608
        self._known = f"SELECT before FROM {name} WHERE name = ? AND account = ?"  # noqa: S608
        self._add = f"INSERT INTO {name} (before, name, account) VALUES (?, ?, ?)"  # noqa: S608
        self._raise = f"UPDATE {name} SET before = ? WHERE name = ? AND account = ?"  # noqa: S608

    def limits(self, connection: Connection, account: str = "") -> Mapping[str, str]:
        """What is forgotten, by table: in the tables with one order for all, and of one account."""
        return {row[0]: row[1] for row in connection.all(self._limits, (account,))}

    def note(self, connection: Connection, event: OutboundRowsForgotten, tables: Collection[str]) -> bool:
        """Note that rows are forgotten; False when the event is about other tables, or about less than is noted."""
        if event.table not in tables:
            return False
        row = connection.first_row(self._known, (event.table, event.account))
        if row is not None and row[0] >= event.before:
            return False
        connection.execute(self._add if row is None else self._raise, (event.before, event.table, event.account))
        return True
