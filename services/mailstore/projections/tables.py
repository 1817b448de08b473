"""The tables of the mailstore."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.projections import changes
from services.mailstore.projections.all_mail import all_mail_tables
from services.mailstore.projections.removed import removed_tables


def mailbox_tables(metadata: MetaData) -> tuple[Table, ...]:
    """Declare the tables, in the order in which `verify` names them.

    Entries keep SQLite's row ids, as the event table does: their rows are long, and without row ids every look-up would
    read other rows on its way (docs/adr/0006).
    """
    return (
        _account(metadata),
        _mailbox(metadata),
        _entry(metadata),
        _vanished_table(metadata),
        changes.changed_table(metadata),
        _keyword(metadata),
        _subscription(metadata),
        _thread_reference(metadata),
        *removed_tables(metadata),
        *all_mail_tables(metadata),
    )


def _account(metadata: MetaData) -> Table:
    return Table(
        "account",
        metadata,
        Column("account", Text, primary_key=True),
        Column("used", BigInteger, nullable=False),
        Column("messages", BigInteger, nullable=False),
        Column("all_mail", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _mailbox(metadata: MetaData) -> Table:
    return Table(
        "mailbox",
        metadata,
        Column("id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("uid_validity", BigInteger, nullable=False),
        Column("uid_next", BigInteger, nullable=False),
        Column("special_use", Text, nullable=False),
        Column("messages", BigInteger, nullable=False),
        Column("unseen", BigInteger, nullable=False),
        Column("deleted", BigInteger, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("modseq", BigInteger, nullable=False),
        Index("mailbox_name", "account", "name", unique=True),
        sqlite_with_rowid=False,
    )


def _entry(metadata: MetaData) -> Table:
    return Table(
        "entry",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("uid", BigInteger, nullable=False),
        Column("entry", Text, nullable=False),
        Column("blob", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("internal_date", BigInteger, nullable=False),
        Column("zone", Integer, nullable=False),
        Column("saved", BigInteger, nullable=False),
        Column("content", Text, nullable=False),
        Column("thread", Text, nullable=False),
        Column("system", Integer, nullable=False),
        Column("keywords", Text, nullable=False),
        Column("modseq", BigInteger, nullable=False),
        Column("prefix", LargeBinary, nullable=False),
        Column("queue_id", Text, nullable=False),
        PrimaryKeyConstraint("mailbox", "uid"),
    )


def _vanished_table(metadata: MetaData) -> Table:
    return Table(
        "vanished",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("modseq", BigInteger, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        PrimaryKeyConstraint("mailbox", "modseq", "first"),
        sqlite_with_rowid=False,
    )


def _keyword(metadata: MetaData) -> Table:
    return Table(
        "keyword",
        metadata,
        Column("mailbox", Text),
        Column("keyword", Text),
        PrimaryKeyConstraint("mailbox", "keyword"),
        sqlite_with_rowid=False,
    )


def _subscription(metadata: MetaData) -> Table:
    return Table(
        "subscription",
        metadata,
        Column("account", Text),
        Column("name", Text),
        PrimaryKeyConstraint("account", "name"),
        sqlite_with_rowid=False,
    )


def _thread_reference(metadata: MetaData) -> Table:
    return Table(
        "thread_reference",
        metadata,
        Column("account", Text),
        Column("message_id", Text),
        Column("thread", Text, nullable=False),
        PrimaryKeyConstraint("account", "message_id"),
        sqlite_with_rowid=False,
    )
