"""Keeps removed messages for the undelete window: each removal, and the rows that its messages had.

Only the projection of mailboxes uses this module, because a removed row is copied from the row of the message.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.projections.conditions import Condition
from services.mailstore.projections.current import source
from shared.events.restoring import RemovedForgotten
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

EXPUNGED, EXPIRED, DELETED, FETCHED = "expunged", "expired", "deleted", "pop3"
"""Why messages went: EXPUNGE, the rule of their mailbox, DELETE of their mailbox, and a POP3 client."""
CAUSES = (EXPUNGED, EXPIRED, DELETED, FETCHED)
_ROW = "entry, blob, size, internal_date, zone, content, thread, system, keywords, prefix, queue_id"
_KEEP = (
    f"INSERT INTO removed_entry (mailbox, uid, account, version, {_ROW})"  # noqa: S608
    f" SELECT mailbox, uid, CAST(? AS TEXT), CAST(? AS BIGINT), {_ROW} FROM {{source}}"
    " WHERE mailbox = ? AND {condition}"
)
_NOTE = "INSERT INTO removal (account, version, at, mailbox, name, cause, command) VALUES (?, ?, ?, ?, ?, ?, ?)"
ALL: Condition = ("uid >= ?", (0,))
"""All messages of a mailbox."""


def note(connection: Connection, recorded: Recorded, account: str, mailbox: str, cause: str) -> None:
    """Note a removal, before the mailbox itself goes. The units of one command have its id."""
    row = connection.first_row("SELECT name FROM mailbox WHERE id = ?", (mailbox,))
    command = recorded.provenance.command.partition("/")[0]
    connection.execute(_NOTE, (account, recorded.version, recorded.at, mailbox, row[0] if row else "", cause, command))


def keep(connection: Connection, recorded: Recorded, account: str, mailbox: str, condition: Condition) -> None:
    """Keep the rows of messages that are about to be deleted."""
    text, parameters = condition
    sql = _KEEP.format(source=source(connection, mailbox), condition=text)
    connection.execute(sql, (account, recorded.version, mailbox, *parameters))


def forgotten(connection: Connection, _recorded: Recorded, event: RemovedForgotten) -> None:
    """Apply message.forgotten."""
    through = event.account, event.through
    connection.execute("DELETE FROM removed_entry WHERE account = ? AND version <= ?", through)
    connection.execute("DELETE FROM removal WHERE account = ? AND version <= ?", through)


def removed_tables(metadata: MetaData) -> tuple[Table, ...]:
    """Declare the tables. UIDs of a mailbox are never used twice, so mailbox and UID name a removed message."""
    return _removal(metadata), _removed_entry(metadata)


def _removal(metadata: MetaData) -> Table:
    return Table(
        "removal",
        metadata,
        Column("account", Text),
        Column("version", BigInteger),
        Column("at", BigInteger, nullable=False),
        Column("mailbox", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("command", Text, nullable=False),
        PrimaryKeyConstraint("account", "version"),
        Index("removal_at", "at"),
        sqlite_with_rowid=False,
    )


def _removed_entry(metadata: MetaData) -> Table:
    """Rows are long, as those of entries (docs/adr/0006)."""
    return Table(
        "removed_entry",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("uid", BigInteger, nullable=False),
        Column("account", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("entry", Text, nullable=False),
        Column("blob", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("internal_date", BigInteger, nullable=False),
        Column("zone", Integer, nullable=False),
        Column("content", Text, nullable=False),
        Column("thread", Text, nullable=False),
        Column("system", Integer, nullable=False),
        Column("keywords", Text, nullable=False),
        Column("prefix", LargeBinary, nullable=False),
        Column("queue_id", Text, nullable=False),
        PrimaryKeyConstraint("mailbox", "uid"),
        Index("removed_entry_version", "account", "version", "uid"),
    )
