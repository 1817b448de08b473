"""Keeps the events in mailboxes for which a script is still to run (RFC 6785)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, PrimaryKeyConstraint, Table, Text

from shared.events.closing import AccountErased
from shared.events.mailbox import MailboxDeleted
from shared.events.mailbox_scripts import MailboxScriptDue, MailboxScriptRan
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_ADD = (
    "INSERT INTO due_mailbox_script (account, due, mailbox, cause, uids, flags, done_through)"
    " VALUES (?, ?, ?, ?, ?, ?, 0)"
)
_ADVANCE = "UPDATE due_mailbox_script SET done_through = ? WHERE account = ? AND due = ?"
_END = "DELETE FROM due_mailbox_script WHERE account = ? AND due = ?"


class MailboxScriptProjection:
    """Keeps a row for each due event until all its messages are done."""

    name = "mailbox-scripts"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "due_mailbox_script",
                metadata,
                Column("account", Text),
                Column("due", BigInteger),
                Column("mailbox", Text, nullable=False),
                Column("cause", Text, nullable=False),
                Column("uids", Text, nullable=False),
                Column("flags", Text, nullable=False),
                Column("done_through", BigInteger, nullable=False),
                PrimaryKeyConstraint("account", "due"),
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case MailboxScriptDue(account, mailbox, cause, uids, flags):
                row = account, recorded.version, mailbox, cause, _text(uids), _text(flags)
                connection.execute(_ADD, row)
            case MailboxScriptRan(account, _, due, through, is_last):
                if is_last:
                    connection.execute(_END, (account, due))
                else:
                    connection.execute(_ADVANCE, (through, account, due))
            case MailboxDeleted(account, mailbox):
                connection.execute(
                    "DELETE FROM due_mailbox_script WHERE account = ? AND mailbox = ?", (account, mailbox)
                )
            case AccountErased(account):
                connection.execute("DELETE FROM due_mailbox_script WHERE account = ?", (account,))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
