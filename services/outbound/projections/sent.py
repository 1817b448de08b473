"""What each account sends to other servers, for its limits.

The rows follow from the events of each entry alone, and from least and greatest times, because the events of the
entries of an account may be folded in any order of their streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from shared.events.outbound import OutboundHeld, OutboundQueued
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_ADD = "INSERT INTO sent_entry (entry, account, queue_id, counts_at) VALUES (?, ?, ?, ?)"
_COUNT_LATER = "UPDATE sent_entry SET counts_at = ? WHERE entry = ? AND counts_at < ?"
_MAIL = "SELECT counts_at FROM sent_mail WHERE queue_id = ?"
_ADD_MAIL = "INSERT INTO sent_mail (counts_at, queue_id, account) VALUES (?, ?, ?)"
_COUNT_MAIL_LATER = "UPDATE sent_mail SET counts_at = ? WHERE queue_id = ? AND counts_at < ?"
_KNOWN = "SELECT at FROM known_recipient WHERE account = ? AND recipient = ?"
_MEET = "INSERT INTO known_recipient (at, account, recipient) VALUES (?, ?, ?)"
_MEET_EARLIER = "UPDATE known_recipient SET at = ? WHERE account = ? AND recipient = ?"


class SentProjection:
    """Keeps when each entry and mail of an account counts, and when the account first wrote to a recipient.

    An entry that is held until a time counts at that time, and a mail when its last entry does. A recipient is kept as
    a hash of 16 octets, because the limit needs no addresses.
    """

    name = "sent"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        sent = Table(
            "sent_entry",
            metadata,
            Column("entry", Text, primary_key=True),
            Column("account", Text, nullable=False),
            Column("queue_id", Text, nullable=False),
            Column("counts_at", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("sent_entry_counts", sent.c.account, sent.c.counts_at)
        mail = Table(
            "sent_mail",
            metadata,
            Column("queue_id", Text, primary_key=True),
            Column("account", Text, nullable=False),
            Column("counts_at", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("sent_mail_counts", mail.c.account, mail.c.counts_at)
        known = Table(
            "known_recipient",
            metadata,
            Column("account", Text, primary_key=True),
            Column("recipient", Text, primary_key=True),
            Column("at", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("known_recipient_at", known.c.account, known.c.at)
        self.tables: Sequence[sqlalchemy.Table] = (sent, mail, known)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, OutboundHeld):
            connection.execute(_COUNT_LATER, (event.until, event.entry, event.until))
            connection.execute(_COUNT_MAIL_LATER, (event.until, event.queue_id, event.until))
        elif isinstance(event, OutboundQueued) and event.account:
            connection.execute(_ADD, (event.entry, event.account, event.queue_id, recorded.at))
            _count_mail(connection, event, recorded.at)
            _meet(connection, event.account, recipient_key(event.forward_path), recorded.at)


def recipient_key(forward_path: str) -> str:
    """The key of a recipient: a hash of the address in lower case."""
    return blake2b(forward_path.lower().encode(), digest_size=16).hexdigest()


def _count_mail(connection: Connection, event: OutboundQueued, at: int) -> None:
    if connection.first_row(_MAIL, (event.queue_id,)) is None:
        connection.execute(_ADD_MAIL, (at, event.queue_id, event.account))
    else:
        connection.execute(_COUNT_MAIL_LATER, (at, event.queue_id, at))


def _meet(connection: Connection, account: str, recipient: str, at: int) -> None:
    row = connection.first_row(_KNOWN, (account, recipient))
    if row is None:
        connection.execute(_MEET, (at, account, recipient))
    elif at < row[0]:
        connection.execute(_MEET_EARLIER, (at, account, recipient))
