"""The rows of the queue: one for each entry until its end, and one for each destination with entries that wait."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundDeferred,
    OutboundDelayed,
    OutboundDelivered,
    OutboundExpired,
    OutboundHeld,
    OutboundQueued,
    OutboundReleased,
    OutboundRescheduled,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

WAITING = "waiting"
HELD = "held"
_INSERT = (
    "INSERT INTO queue (entry, queue_id, sender, recipient, domain, account, blob, size, at, since, due, state, "
    "attempts, notified, status, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DEFER = "UPDATE queue SET due = ?, attempts = ?, status = ?, reason = ? WHERE entry = ?"
_HOLD = "UPDATE queue SET state = ?, due = ?, reason = ? WHERE entry = ?"
_RELEASE = "UPDATE queue SET state = ?, due = ?, since = ?, reason = '' WHERE entry = ?"
_DOMAIN = "SELECT domain FROM queue WHERE entry = ?"
_EARLIEST = "SELECT min(due) FROM queue WHERE domain = ? AND state = 'waiting'"
_DESTINATION = "SELECT next_due FROM destination WHERE domain = ?"
_NEVER = 1 << 62
"""The due time of an entry that only an operator releases."""


class QueueProjection:
    """Keeps the entries that wait or are held, and when each destination has something to do.

    `destination.next_due` is the earliest due time of a domain's waiting entries. So what is due is read from an index.
    The row of a destination follows from the rows of its entries alone, whose events may be folded in any order of
    their streams.
    """

    name = "queue"
    version = 2

    def __init__(self, metadata: MetaData) -> None:
        queue = Table(
            "queue",
            metadata,
            Column("entry", Text, primary_key=True),
            Column("queue_id", Text, nullable=False),
            Column("sender", Text, nullable=False),
            Column("recipient", Text, nullable=False),
            Column("domain", Text, nullable=False),
            Column("account", Text, nullable=False),
            Column("blob", Text, nullable=False),
            Column("size", BigInteger, nullable=False),
            Column("at", BigInteger, nullable=False),
            Column("since", BigInteger, nullable=False),
            Column("due", BigInteger, nullable=False),
            Column("state", Text, nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("notified", Integer, nullable=False),
            Column("status", Text, nullable=False),
            Column("reason", Text, nullable=False),
        )
        Index("queue_due", queue.c.domain, queue.c.state, queue.c.due)
        Index("queue_state", queue.c.state, queue.c.due)
        Index("queue_age", queue.c.state, queue.c.notified, queue.c.since)
        Index("queue_mail", queue.c.queue_id)
        destination = Table(
            "destination",
            metadata,
            Column("domain", Text, primary_key=True),
            Column("next_due", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("destination_due", destination.c.next_due)
        self.tables: Sequence[sqlalchemy.Table] = (queue, destination)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OutboundQueued() as event:
                _insert(connection, event, recorded.at)
            case OutboundDeferred(entry) as event:
                parameters = (event.due, event.attempt.number, event.status, event.reason, entry)
                connection.execute(_DEFER, parameters)
                _refresh(connection, _domain_of(connection, entry))
            case OutboundDelayed(entry):
                connection.execute("UPDATE queue SET notified = 1 WHERE entry = ?", (entry,))
            case OutboundDelivered(entry) | OutboundBounced(entry) | OutboundExpired(entry) | OutboundCancelled(entry):
                _remove(connection, entry)
            case OutboundHeld(entry, _, reason, until):
                connection.execute(_HOLD, (HELD, until or _NEVER, reason, entry))
                _refresh(connection, _domain_of(connection, entry))
            case OutboundReleased(entry):
                connection.execute(_RELEASE, (WAITING, recorded.at, recorded.at, entry))
                _refresh(connection, _domain_of(connection, entry))
            case OutboundRescheduled(entry, _, due):
                connection.execute("UPDATE queue SET due = ? WHERE entry = ?", (due, entry))
                _refresh(connection, _domain_of(connection, entry))
            case _:
                pass


def domain_of_path(path: str) -> str:
    """The domain of a forward-path, in lower case."""
    return path.rpartition("@")[2].lower()


def _insert(connection: Connection, event: OutboundQueued, at: int) -> None:
    domain = domain_of_path(event.forward_path)
    connection.execute(
        _INSERT,
        (
            event.entry,
            event.queue_id,
            event.reverse_path,
            event.forward_path,
            domain,
            event.account,
            event.blob,
            event.size,
            at,
            at,
            at,
            WAITING,
            0,
            0,
            "",
            "",
        ),
    )
    row = connection.first_row(_DESTINATION, (domain,))
    if row is None:
        connection.execute("INSERT INTO destination (domain, next_due) VALUES (?, ?)", (domain, at))
    elif at < row[0]:
        connection.execute("UPDATE destination SET next_due = ? WHERE domain = ?", (at, domain))


def _remove(connection: Connection, entry: str) -> None:
    domain = _domain_of(connection, entry)
    connection.execute("DELETE FROM queue WHERE entry = ?", (entry,))
    _refresh(connection, domain)


def _domain_of(connection: Connection, entry: str) -> str:
    row = connection.first_row(_DOMAIN, (entry,))
    return str(row[0]) if row else ""


def _refresh(connection: Connection, domain: str) -> None:
    """Compute a destination's row anew."""
    earliest = connection.first_row(_EARLIEST, (domain,))
    if earliest is None or earliest[0] is None:
        connection.execute("DELETE FROM destination WHERE domain = ?", (domain,))
        return
    row = connection.first_row(_DESTINATION, (domain,))
    if row is None:
        connection.execute("INSERT INTO destination (next_due, domain) VALUES (?, ?)", (earliest[0], domain))
    elif row[0] != earliest[0]:
        connection.execute("UPDATE destination SET next_due = ? WHERE domain = ?", (earliest[0], domain))
