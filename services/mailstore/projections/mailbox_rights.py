"""Keeps who has which rights to a mailbox; no other code changes this table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, Index, MetaData, Table, Text

from shared.events.closing import AccountErased
from shared.events.mailbox import MailboxDeleted
from shared.events.mailbox_rights import MailboxRightsChanged
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SET = (
    "INSERT INTO mailbox_right (mailbox, identifier, account, rights) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (mailbox, identifier) DO UPDATE SET rights = excluded.rights"
)


class MailboxRightsProjection:
    """Keeps a row for each identifier of a mailbox's list. The owner's own rights are not in it."""

    name = "mailbox-rights"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "mailbox_right",
                metadata,
                Column("mailbox", Text, primary_key=True),
                Column("identifier", Text, primary_key=True),
                Column("account", Text, nullable=False),
                Column("rights", Text, nullable=False),
                Index("mailbox_right_identifier", "identifier", "account"),
                Index("mailbox_right_account", "account"),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case MailboxRightsChanged(account, mailbox, changed):
                for identifier, rights in changed:
                    _change(connection, account, mailbox, identifier, rights)
            case MailboxDeleted(_, mailbox):
                connection.execute("DELETE FROM mailbox_right WHERE mailbox = ?", (mailbox,))
            case AccountErased(account):
                connection.execute("DELETE FROM mailbox_right WHERE account = ?", (account,))


def _change(connection: Connection, account: str, mailbox: str, identifier: str, rights: str) -> None:
    if rights:
        connection.execute(_SET, (mailbox, identifier, account, rights))
    else:
        connection.execute("DELETE FROM mailbox_right WHERE mailbox = ? AND identifier = ?", (mailbox, identifier))
