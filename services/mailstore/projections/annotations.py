"""Keeps the annotations of mailboxes, accounts and the server; no other code changes this table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from shared.events.closing import AccountErased
from shared.events.mailbox import MailboxDeleted
from shared.events.metadata import AnnotationsChanged
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SET = (
    "INSERT INTO annotation (owner, mailbox, entry, value) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (owner, mailbox, entry) DO UPDATE SET value = excluded.value"
)


class AnnotationProjection:
    """Keeps a row for each entry. Those of a mailbox are kept by its id, so that a rename changes nothing."""

    name = "annotations"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "annotation",
                metadata,
                Column("owner", Text),
                Column("mailbox", Text),
                Column("entry", Text),
                Column("value", LargeBinary, nullable=False),
                PrimaryKeyConstraint("owner", "mailbox", "entry"),
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AnnotationsChanged():
                _changed(connection, recorded.event)
            case MailboxDeleted(account, mailbox):
                connection.execute("DELETE FROM annotation WHERE owner = ? AND mailbox = ?", (account, mailbox))
            case AccountErased(account):
                connection.execute("DELETE FROM annotation WHERE owner = ?", (account,))


def _changed(connection: Connection, event: AnnotationsChanged) -> None:
    for changed in event.values:
        key = event.owner, event.mailbox, changed.entry
        if changed.value is None:
            connection.execute("DELETE FROM annotation WHERE owner = ? AND mailbox = ? AND entry = ?", key)
        else:
            connection.execute(_SET, (*key, changed.value))
