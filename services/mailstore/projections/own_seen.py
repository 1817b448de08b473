r"""Keeps the \Seen of those who share a mailbox in which it is each user's own; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.projections.own_seen_rows import ALL_READERS, give_own, put, readers, runs_within, seen_of
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


class OwnSeenProjection:
    r"""Keeps a row for each reader of a mailbox with a \Seen of his own, and his UID ranges."""

    name = "own-seen"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_readers(metadata), _ranges(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OwnSeenChanged(account, mailbox, reader, uids, seen):
                if give_own(connection, account, mailbox, reader):
                    put(connection, mailbox, reader, uids, seen, recorded.version if reader else 0)
            case MessagesExpunged(_, mailbox, uids) | MessagesExpired(_, mailbox, uids):
                _leave(connection, mailbox, uids)
            case MessagesFetchedAway():
                _leave(connection, recorded.event.mailbox, recorded.event.uids)
            case MessagesCopied() | MessagesMoved():
                _place(connection, recorded, recorded.event)
            case AnnotationsChanged(account, mailbox, values):
                for value in values:
                    if value.entry == SEEN_ENTRY and mailbox:
                        _switch(connection, account, mailbox, is_own=value.value == OWN_SEEN)
            case MailboxDeleted(_, mailbox):
                _end(connection, mailbox)
            case OwnSeenForgotten() | AccountErased():
                _forget(connection, recorded.event)


def _switch(connection: Connection, account: str, mailbox: str, *, is_own: bool) -> None:
    if not is_own:
        _end(connection, mailbox)
    elif not readers(connection, mailbox):
        sql = "INSERT INTO own_seen_reader (mailbox, reader, account, seen) VALUES (?, ?, ?, 0)"
        connection.execute(sql, (mailbox, ALL_READERS, account))


def _end(connection: Connection, mailbox: str) -> None:
    for table in ("own_seen", "own_seen_reader"):
        connection.execute(f"DELETE FROM {table} WHERE mailbox = ?", (mailbox,))  # noqa: S608


def _forget(connection: Connection, event: OwnSeenForgotten | AccountErased) -> None:
    condition, values = "account = ?", [event.account]
    if isinstance(event, OwnSeenForgotten):
        condition, values = f"{condition} AND reader = ?", [event.account, event.reader]
    pairs = connection.all(f"SELECT mailbox, reader FROM own_seen_reader WHERE {condition}", values)  # noqa: S608
    for pair in pairs:
        for table in ("own_seen", "own_seen_reader"):
            connection.execute(f"DELETE FROM {table} WHERE mailbox = ? AND reader = ?", pair)  # noqa: S608


def _leave(connection: Connection, mailbox: str, uids: Uids) -> None:
    for reader in readers(connection, mailbox):
        put(connection, mailbox, reader, uids, None, 0)


def _place(connection: Connection, recorded: Recorded, event: MessagesCopied | MessagesMoved) -> None:
    r"""A message that is copied or moved between two such mailboxes keeps the \Seen of everybody."""
    before = readers(connection, event.source)
    after = readers(connection, event.target) if before else []
    # The ranges of all come last, because who gets ranges of his own here begins with those as they were.
    for reader in sorted({*before, *after}, reverse=True) if after else ():
        name = reader if reader in before else ALL_READERS
        seen = common(seen_of(runs_within(connection, event.source, name, event.uids)), event.uids)
        give_own(connection, event.account, event.target, reader)
        arrived = _arrived(event.uids, event.first_uid, seen)
        put(connection, event.target, reader, arrived, True, recorded.version if reader else 0)
    if isinstance(event, MessagesMoved):
        for reader in before:
            put(connection, event.source, reader, event.uids, None, 0)


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
