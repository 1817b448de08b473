"""What each account sent to other servers lately, for its limits."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from shared.events.outbound import OutboundHeld, OutboundQueued
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

DAY = 86_400_000_000
_ADD = "INSERT INTO sent_mail (account, queue_id, at, recipients) VALUES (?, ?, ?, 1)"
_COUNT = "UPDATE sent_mail SET recipients = recipients + 1 WHERE account = ? AND queue_id = ?"
_LATER = "UPDATE sent_mail SET at = ? WHERE queue_id = ?"
_FORGET = "DELETE FROM sent_mail WHERE account = ? AND at < ?"
_MEET = "INSERT INTO known_recipient (account, recipient, at) VALUES (?, ?, ?)"


class SentProjection:
    """Keeps the mails of the last day by account, and when an account first wrote to a recipient.

    A mail that is held until a time counts at that time. A recipient is kept as a hash of 16 octets, because the limit
    needs no addresses.
    """

    name = "sent"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        sent = Table(
            "sent_mail",
            metadata,
            Column("account", Text, primary_key=True),
            Column("queue_id", Text, primary_key=True),
            Column("at", BigInteger, nullable=False),
            Column("recipients", Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("sent_mail_at", sent.c.account, sent.c.at)
        Index("sent_mail_mail", sent.c.queue_id)
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
        if isinstance(event, OutboundHeld) and event.until:
            connection.execute(_LATER, (event.until, event.queue_id))
        if not isinstance(event, OutboundQueued) or not event.account:
            return
        key = (event.account, event.queue_id)
        if connection.first_row("SELECT 1 FROM sent_mail WHERE account = ? AND queue_id = ?", key) is None:
            connection.execute(_FORGET, (event.account, recorded.at - DAY))
            connection.execute(_ADD, (*key, recorded.at))
        else:
            connection.execute(_COUNT, key)
        person = (event.account, recipient_key(event.forward_path))
        if connection.first_row("SELECT 1 FROM known_recipient WHERE account = ? AND recipient = ?", person) is None:
            connection.execute(_MEET, (*person, recorded.at))


def recipient_key(forward_path: str) -> str:
    """The key of a recipient: a hash of the address in lower case."""
    return blake2b(forward_path.lower().encode(), digest_size=16).hexdigest()
