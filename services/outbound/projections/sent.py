"""What each account sends to other servers, for its limits.

The rows follow from the events of each entry alone and from least times, because the events of an account's entries may
be folded in any order of their streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from shared.events.outbound import OutboundHeld, OutboundQueued
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_ADD = "INSERT INTO sent_entry (entry, account, queue_id, at, held_until) VALUES (?, ?, ?, ?, 0)"
_HOLD = "UPDATE sent_entry SET held_until = ? WHERE entry = ?"
_KNOWN = "SELECT at FROM known_recipient WHERE account = ? AND recipient = ?"
_MEET = "INSERT INTO known_recipient (at, account, recipient) VALUES (?, ?, ?)"
_MEET_EARLIER = "UPDATE known_recipient SET at = ? WHERE account = ? AND recipient = ?"


class SentProjection:
    """Keeps the entries that each account submitted, and when it first wrote to a recipient.

    A recipient is kept as a hash of 16 octets, because the limit needs no addresses.
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
            Column("at", BigInteger, nullable=False),
            Column("held_until", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("sent_entry_at", sent.c.account, sent.c.at)
        known = Table(
            "known_recipient",
            metadata,
            Column("account", Text, primary_key=True),
            Column("recipient", Text, primary_key=True),
            Column("at", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("known_recipient_at", known.c.account, known.c.at)
        self.tables: Sequence[sqlalchemy.Table] = (sent, known)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, OutboundHeld):
            connection.execute(_HOLD, (event.until, event.entry))
        elif isinstance(event, OutboundQueued) and event.account:
            connection.execute(_ADD, (event.entry, event.account, event.queue_id, recorded.at))
            _meet(connection, event.account, recipient_key(event.forward_path), recorded.at)


def recipient_key(forward_path: str) -> str:
    """The key of a recipient: a hash of the address in lower case."""
    return blake2b(forward_path.lower().encode(), digest_size=16).hexdigest()


def _meet(connection: Connection, account: str, recipient: str, at: int) -> None:
    row = connection.first_row(_KNOWN, (account, recipient))
    if row is None:
        connection.execute(_MEET, (at, account, recipient))
    elif at < row[0]:
        connection.execute(_MEET_EARLIER, (at, account, recipient))
