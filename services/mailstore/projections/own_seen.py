r"""Keeps the \Seen of those who share a mailbox in which it is each user's own; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.projections.own_seen_rows import (
    ALL_READERS,
    counted_of,
    give_own,
    is_own,
    leave,
    put,
    readers,
    runs_within,
    seen_of,
)
from shared.events.closing import AccountErased
from shared.events.expiry import MessagesExpired
from shared.events.mailbox import MailboxDeleted, MessagesCopied, MessagesExpunged, MessagesMoved, Uids
from shared.events.maildrop import MessagesFetchedAway
from shared.events.metadata import AnnotationsChanged
from shared.events.own_seen import OwnSeenChanged, OwnSeenForgotten
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded
from shared.protocol.imap.entry_name import OWN_SEEN, SEEN_ENTRY
from shared.protocol.imap.ranges import Ranges, common, joined

_TABLES = ("own_seen", "own_seen_reader", "own_seen_gone")
_MOST_PLACED = 100
"""Readers whose \\Seen goes with a copy: their work is done in the unit of work of the copy."""


class OwnSeenProjection:
    r"""Keeps a row for each reader of a mailbox with a \Seen of his own, and his UID ranges."""

    name = "own-seen"
    version = 2

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_readers(metadata), _ranges(metadata), _gone(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OwnSeenChanged(account, mailbox, reader, uids, seen):
                if give_own(connection, account, mailbox, reader):
                    put(connection, mailbox, reader, uids, seen, recorded.version if reader else 0)
            case MessagesExpunged(_, mailbox, uids) | MessagesExpired(_, mailbox, uids):
                leave(connection, mailbox, uids, recorded.version)
            case MessagesFetchedAway(_, mailbox, uids):
                leave(connection, mailbox, uids, recorded.version)
            case MessagesCopied() | MessagesMoved():
                _place(connection, recorded, recorded.event)
            case AnnotationsChanged(account, mailbox, values):
                for value in values:
                    if value.entry == SEEN_ENTRY and mailbox:
                        _switch(connection, account, mailbox, begins=value.value == OWN_SEEN)
            case MailboxDeleted(_, mailbox):
                _end(connection, mailbox)
            case OwnSeenForgotten(account, reader):
                _forget(connection, account, reader)
            case AccountErased(account):
                _erase(connection, account)


def _switch(connection: Connection, account: str, mailbox: str, *, begins: bool) -> None:
    if not begins:
        _end(connection, mailbox)
    elif not is_own(connection, mailbox):
        sql = (
            "INSERT INTO own_seen_reader (mailbox, reader, account, seen, gone_version, gone_first)"
            " VALUES (?, ?, ?, 0, 0, 0)"
        )
        connection.execute(sql, (mailbox, ALL_READERS, account))


def _end(connection: Connection, mailbox: str) -> None:
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE mailbox = ?", (mailbox,))  # noqa: S608


def _forget(connection: Connection, account: str, reader: str) -> None:
    sql = "SELECT mailbox FROM own_seen_reader WHERE account = ? AND reader = ?"
    for (mailbox,) in connection.all(sql, (account, reader)):
        for table in ("own_seen", "own_seen_reader"):
            connection.execute(f"DELETE FROM {table} WHERE mailbox = ? AND reader = ?", (mailbox, reader))  # noqa: S608


def _erase(connection: Connection, account: str) -> None:
    for (mailbox,) in connection.all("SELECT DISTINCT mailbox FROM own_seen_reader WHERE account = ?", (account,)):
        _end(connection, mailbox)


def _place(connection: Connection, recorded: Recorded, event: MessagesCopied | MessagesMoved) -> None:
    r"""A message that is copied or moved between two such mailboxes keeps the \Seen of everybody.

    Where very many have one, it keeps that of some, and of who places it.
    """
    if is_own(connection, event.source) and is_own(connection, event.target):
        before = readers(connection, event.source, _MOST_PLACED)
        after = readers(connection, event.target, _MOST_PLACED)
        # The ranges of all come last, because who gets ranges of his own here begins with those as they were.
        for reader in sorted({*before, *after, *_who_acts(recorded, event.account)}, reverse=True):
            name = counted_of(connection, event.source, reader).name
            seen = common(seen_of(runs_within(connection, event.source, name, event.uids)), event.uids)
            give_own(connection, event.account, event.target, reader)
            arrived = _arrived(event.uids, event.first_uid, seen)
            put(connection, event.target, reader, arrived, True, recorded.version if reader else 0)
    if isinstance(event, MessagesMoved):
        leave(connection, event.source, event.uids, recorded.version)


def _who_acts(recorded: Recorded, owner: str) -> tuple[str, ...]:
    actor = recorded.provenance.actor
    return (actor.credential,) if actor.kind == "user" and actor.credential != owner else ()


def _arrived(uids: Uids, first_uid: int, some: Ranges) -> Ranges:
    """The new UIDs of some of the messages: the n-th of `uids` has `first_uid` + n."""
    arrived: list[tuple[int, int]] = []
    at, before = 0, first_uid
    for first, last in uids:
        while at < len(some) and some[at][1] <= last:
            arrived.append((before + some[at][0] - first, before + some[at][1] - first))
            at += 1
        before += last - first + 1
    return joined(arrived)


def _readers(metadata: MetaData) -> Table:
    return Table(
        "own_seen_reader",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("reader", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("seen", BigInteger, nullable=False),
        Column("gone_version", BigInteger, nullable=False),
        Column("gone_first", BigInteger, nullable=False),
        PrimaryKeyConstraint("mailbox", "reader"),
        Index("own_seen_reader_account", "account"),
        Index("own_seen_reader_reader", "reader"),
        sqlite_with_rowid=False,
    )


def _ranges(metadata: MetaData) -> Table:
    return Table(
        "own_seen",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("reader", Text, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("seen", Integer, nullable=False),
        Column("modseq", BigInteger, nullable=False),
        PrimaryKeyConstraint("mailbox", "reader", "first"),
        Index("own_seen_modseq", "mailbox", "reader", "modseq"),
        sqlite_with_rowid=False,
    )


def _gone(metadata: MetaData) -> Table:
    return Table(
        "own_seen_gone",
        metadata,
        Column("mailbox", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        PrimaryKeyConstraint("mailbox", "version", "first"),
        sqlite_with_rowid=False,
    )
