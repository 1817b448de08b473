"""What each account sends to other servers, for its limits.

The rows follow from the events of each entry alone, from greatest times, and from what is forgotten, because the events
of the entries of an account may be folded in any order of their streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from services.outbound.projections.forgotten import Forgotten
from shared.events.outbound import OutboundHeld, OutboundQueued, OutboundRowsForgotten
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_DAY = 86_400_000_000
_ADD = "INSERT INTO sent_entry (entry, account, queue_id, counts_at, is_new) VALUES (?, ?, ?, ?, ?)"
_COUNT_LATER = "UPDATE sent_entry SET counts_at = ? WHERE entry = ? AND counts_at < ?"
_MAIL = "SELECT counts_at FROM sent_mail WHERE queue_id = ?"
_ADD_MAIL = "INSERT INTO sent_mail (counts_at, queue_id, account) VALUES (?, ?, ?)"
_COUNT_MAIL_LATER = "UPDATE sent_mail SET counts_at = ? WHERE queue_id = ? AND counts_at < ?"
_KNOWN = "SELECT day FROM known_recipient WHERE account = ? AND recipient = ?"
_MEET = "INSERT INTO known_recipient (day, account, recipient) VALUES (?, ?, ?)"
_MEET_LATER = "UPDATE known_recipient SET day = ? WHERE account = ? AND recipient = ?"
_FORGET_ENTRIES = "DELETE FROM sent_entry WHERE entry < ?"
_FORGET_MAILS = "DELETE FROM sent_mail WHERE queue_id < ?"
_FORGET_RECIPIENTS = "DELETE FROM known_recipient WHERE account = ? AND (day < ? OR (day = ? AND recipient{order} < ?))"


class SentProjection:
    """Keeps when each entry and mail of an account counts, and the recipients to which the account has written.

    An entry that is held until a time counts at that time, and a mail when its last entry does. A recipient is kept as
    a hash of 16 octets with the last day, because the limit needs no addresses. Entries and mails are forgotten in the
    order of their ids, and the recipients of an account in the order of their days.
    """

    name = "sent"
    version = 2

    def __init__(self, metadata: MetaData) -> None:
        sent = Table(
            "sent_entry",
            metadata,
            Column("entry", Text, primary_key=True),
            Column("account", Text, nullable=False),
            Column("queue_id", Text, nullable=False),
            Column("counts_at", BigInteger, nullable=False),
            Column("is_new", Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("sent_entry_counts", sent.c.account, sent.c.counts_at)
        is_new = sent.c.is_new == sqlalchemy.literal_column("1")
        Index(
            "sent_entry_new",
            sent.c.account,
            sent.c.counts_at,
            sqlite_where=is_new,
            postgresql_where=is_new,
        )
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
            Column("day", Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("known_recipient_day", known.c.account, known.c.day, known.c.recipient)
        self._forgotten = Forgotten("sent_forgotten", metadata)
        self.tables: Sequence[sqlalchemy.Table] = (sent, mail, known, self._forgotten.table)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OutboundHeld() as event:
                connection.execute(_COUNT_LATER, (event.until, event.entry, event.until))
                connection.execute(_COUNT_MAIL_LATER, (event.until, event.queue_id, event.until))
            case OutboundQueued(account=account) as event if account:
                self._add(connection, event, recorded.at)
            case OutboundRowsForgotten() as event:
                if self._forgotten.note(connection, event, ("sent_entry", "sent_mail", "known_recipient")):
                    _forget(connection, event)
            case _:
                pass

    def _add(self, connection: Connection, event: OutboundQueued, at: int) -> None:
        limits = self._forgotten.limits(connection, event.account)
        if event.entry >= limits.get("sent_entry", ""):
            columns = (event.entry, event.account, event.queue_id, at, int(event.is_new_recipient))
            connection.execute(_ADD, columns)
        if event.queue_id >= limits.get("sent_mail", ""):
            _count_mail(connection, event, at)
        recipient, day = recipient_key(event.forward_path), at // _DAY
        if place_of(day, recipient) >= limits.get("known_recipient", ""):
            _meet(connection, event.account, recipient, day)


def recipient_key(forward_path: str) -> str:
    """The key of a recipient: a hash of the address in lower case."""
    return blake2b(forward_path.lower().encode(), digest_size=16).hexdigest()


def place_of(day: int, recipient: str) -> str:
    """The place of a recipient in the order in which the recipients of an account are forgotten."""
    return f"{day:07} {recipient}"


def _count_mail(connection: Connection, event: OutboundQueued, at: int) -> None:
    if connection.first_row(_MAIL, (event.queue_id,)) is None:
        connection.execute(_ADD_MAIL, (at, event.queue_id, event.account))
    else:
        connection.execute(_COUNT_MAIL_LATER, (at, event.queue_id, at))


def _meet(connection: Connection, account: str, recipient: str, day: int) -> None:
    row = connection.first_row(_KNOWN, (account, recipient))
    if row is None:
        connection.execute(_MEET, (day, account, recipient))
    elif day > row[0]:
        connection.execute(_MEET_LATER, (day, account, recipient))


def _forget(connection: Connection, event: OutboundRowsForgotten) -> None:
    match event.table:
        case "sent_entry":
            connection.execute(_FORGET_ENTRIES, (event.before,))
        case "sent_mail":
            connection.execute(_FORGET_MAILS, (event.before,))
        case _:
            day, _, recipient = event.before.partition(" ")
            sql = _FORGET_RECIPIENTS.format(order=connection.octet_order)
            connection.execute(sql, (event.account, int(day), int(day), recipient))
