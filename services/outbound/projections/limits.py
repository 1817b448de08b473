"""The entries that limits of accounts hold, and which owners are notified of it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundExpired,
    OutboundHeld,
    OutboundLimitExceeded,
    OutboundOwnerNotified,
    OutboundReleased,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_HOLD = "INSERT INTO limit_held (entry, account, queue_id, until) VALUES (?, ?, ?, ?)"
_END = "DELETE FROM limit_held WHERE entry = ?"
_NO_NOTICE = "DELETE FROM limit_notice WHERE account = ?"
_NOTICE = (
    "INSERT INTO limit_notice (account, queue_id, address, sending_domain, reason, at, is_notified) "
    "VALUES (?, ?, ?, ?, ?, ?, 0)"
)
_NOTIFIED = "UPDATE limit_notice SET is_notified = 1 WHERE account = ?"


class LimitProjection:
    """Keeps one row for each entry that a limit holds, and the last crossing of a limit by each account."""

    name = "limits"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        held = Table(
            "limit_held",
            metadata,
            Column("entry", Text, primary_key=True),
            Column("account", Text, nullable=False),
            Column("queue_id", Text, nullable=False),
            Column("until", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("limit_held_account", held.c.account, held.c.queue_id)
        notice = Table(
            "limit_notice",
            metadata,
            Column("account", Text, primary_key=True),
            Column("queue_id", Text, nullable=False),
            Column("address", Text, nullable=False),
            Column("sending_domain", Text, nullable=False),
            Column("reason", Text, nullable=False),
            Column("at", BigInteger, nullable=False),
            Column("is_notified", Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("limit_notice_open", notice.c.is_notified, notice.c.at)
        self.tables: Sequence[sqlalchemy.Table] = (held, notice)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OutboundHeld() as event:
                connection.execute(_END, (event.entry,))
                if event.account:
                    connection.execute(_HOLD, (event.entry, event.account, event.queue_id, event.until))
            case OutboundReleased(entry) | OutboundCancelled(entry) | OutboundBounced(entry) | OutboundExpired(entry):
                connection.execute(_END, (entry,))
            case OutboundLimitExceeded(account, queue_id, address, sending_domain, reason):
                connection.execute(_NO_NOTICE, (account,))
                connection.execute(_NOTICE, (account, queue_id, address, sending_domain, reason, recorded.at))
            case OutboundOwnerNotified(account):
                connection.execute(_NOTIFIED, (account,))
            case _:
                pass
