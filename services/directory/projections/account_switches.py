"""Applies events to the switches of accounts that may say on, off, or nothing; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, MetaData, Table, Text

from shared.events.all_mail import AccountAllMailChanged
from shared.events.directory import AccountRemoved
from shared.events.pop3 import AccountPop3Changed
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_Changed = AccountAllMailChanged | AccountPop3Changed


class _SwitchProjection:
    """Keeps a row for each account with a value of its own."""

    name: str
    version = 1
    changed: type[_Changed]

    def __init__(self, metadata: MetaData) -> None:
        table = Table(
            self.name,
            metadata,
            Column("account", Text, primary_key=True),
            Column("value", Text, nullable=False),
            sqlite_with_rowid=False,
        )
        self.tables: Sequence[sqlalchemy.Table] = (table,)
        self._write = (
            f"INSERT INTO {self.name} (account, value) VALUES (?, ?)"  # noqa: S608
            " ON CONFLICT (account) DO UPDATE SET value = excluded.value"
        )
        self._delete = f"DELETE FROM {self.name} WHERE account = ?"  # noqa: S608

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, self.changed) and event.value:
            connection.execute(self._write, (event.id, event.value))
        elif isinstance(event, self.changed | AccountRemoved):
            connection.execute(self._delete, (event.id,))


class AllMailProjection(_SwitchProjection):
    """The switches for the All Mail mailbox."""

    name = "all_mail"
    changed = AccountAllMailChanged


class Pop3SwitchProjection(_SwitchProjection):
    """The switches for POP3."""

    name = "pop3_switch"
    changed = AccountPop3Changed
