"""Records which mailbox had which name with which UIDVALIDITY.

So the number never repeats and never decreases under a name (RFC 3501 §2.3.1.1). It is a projection with a table of its
own, so that stores of earlier releases build it at their first start.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from shared.events.all_mail_mailbox import AllMailMade
from shared.events.closing import AccountErased
from shared.events.mailbox import AccountOpened, MailboxCreated, MailboxRenamed, NewMailbox
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_BEAR = (
    "INSERT INTO borne_name (account, name, mailbox, uid_validity) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (account, name, mailbox) DO UPDATE SET uid_validity = excluded.uid_validity"
)


class UidValidityProjection:
    """Keeps a row for each name that a mailbox has or had."""

    name = "uid-validity"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_borne_name(metadata),)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case AccountOpened(account, mailboxes):
                for mailbox in mailboxes:
                    _bear(connection, account, mailbox)
            case MailboxCreated(account, mailbox) | AllMailMade(account, mailbox):
                _bear(connection, account, mailbox)
            case MailboxRenamed() as event:
                _rename(connection, event)
            case AccountErased(account):
                connection.execute("DELETE FROM borne_name WHERE account = ?", (account,))


def _bear(connection: Connection, account: str, mailbox: NewMailbox) -> None:
    connection.execute(_BEAR, (account, mailbox.name, mailbox.id, mailbox.uid_validity))


def _rename(connection: Connection, event: MailboxRenamed) -> None:
    new = dict(event.uid_validities)
    for mailbox, name in event.names:
        validity = new.get(mailbox) or _of(connection, mailbox)
        connection.execute(_BEAR, (event.account, name, mailbox, validity))


def _of(connection: Connection, mailbox: str) -> int:
    row = connection.first_row("SELECT max(uid_validity) FROM borne_name WHERE mailbox = ?", (mailbox,))
    return int(row[0] or 0) if row else 0


def _borne_name(metadata: MetaData) -> Table:
    return Table(
        "borne_name",
        metadata,
        Column("account", Text),
        Column("name", Text),
        Column("mailbox", Text),
        Column("uid_validity", BigInteger, nullable=False),
        PrimaryKeyConstraint("account", "name", "mailbox"),
        Index("borne_name_mailbox", "mailbox"),
        Index("borne_name_uid_validity", "uid_validity"),
        sqlite_with_rowid=False,
    )
