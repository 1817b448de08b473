"""The rows of MTA-STS policies, and how the connections to each domain were secured, by day (RFC 8460)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from services.outbound.projections.queue import domain_of_path
from shared.events.outbound import (
    OutboundBounced,
    OutboundDeferred,
    OutboundDelivered,
    OutboundExpired,
    OutboundStsPolicyFailed,
    OutboundStsPolicyFetched,
    SendingAttempt,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SECOND = 1_000_000
_KNOWN = "SELECT domain FROM sts_policy WHERE domain = ?"
_INSERT = (
    "INSERT INTO sts_policy (domain, id, mode, mx, max_age, fetched, failed_id, failed_result, failed_reason) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FETCHED = (
    "UPDATE sts_policy SET id = ?, mode = ?, mx = ?, max_age = ?, fetched = ?, failed_id = '', failed_result = '', "
    "failed_reason = '' WHERE domain = ?"
)
_FAILED = "UPDATE sts_policy SET failed_id = ?, failed_result = ?, failed_reason = ? WHERE domain = ?"
_KEY = "WHERE day = ? AND domain = ? AND policy_type = ? AND result_type = ?"
_COUNTED = f"SELECT count FROM tls_result {_KEY}"  # noqa: S608
_COUNT = f"UPDATE tls_result SET count = count + 1 {_KEY}"  # noqa: S608
_FIRST = "INSERT INTO tls_result (day, domain, policy_type, result_type, count) VALUES (?, ?, ?, ?, 1)"


class TransportSecurityProjection:
    """Keeps the last policy of each domain, and counts connections for TLS reports."""

    name = "transport_security"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "sts_policy",
                metadata,
                Column("domain", Text, primary_key=True),
                Column("id", Text, nullable=False),
                Column("mode", Text, nullable=False),
                Column("mx", Text, nullable=False),
                Column("max_age", Integer, nullable=False),
                Column("fetched", BigInteger, nullable=False),
                Column("failed_id", Text, nullable=False),
                Column("failed_result", Text, nullable=False),
                Column("failed_reason", Text, nullable=False),
                sqlite_with_rowid=False,
            ),
            Table(
                "tls_result",
                metadata,
                Column("day", Text, primary_key=True),
                Column("domain", Text, primary_key=True),
                Column("policy_type", Text, primary_key=True),
                Column("result_type", Text, primary_key=True),
                Column("count", Integer, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OutboundStsPolicyFetched() as event:
                _fetched(connection, event)
            case OutboundStsPolicyFailed() as event:
                _failed(connection, event)
            case OutboundDelivered() | OutboundDeferred() as event:
                _count(connection, event.recipient, event.attempt)
            case OutboundBounced() | OutboundExpired() as event if event.attempt is not None:
                _count(connection, event.recipient, event.attempt)
            case _:
                pass


def _fetched(connection: Connection, event: OutboundStsPolicyFetched) -> None:
    columns = (event.id, event.mode, " ".join(event.mx), event.max_age, event.fetched)
    if connection.first_row(_KNOWN, (event.domain,)) is None:
        connection.execute(_INSERT, (event.domain, *columns, "", "", ""))
    else:
        connection.execute(_FETCHED, (*columns, event.domain))


def _failed(connection: Connection, event: OutboundStsPolicyFailed) -> None:
    columns = (event.id, event.result, event.reason)
    if connection.first_row(_KNOWN, (event.domain,)) is None:
        connection.execute(_INSERT, (event.domain, "", "", "", 0, 0, *columns))
    else:
        connection.execute(_FAILED, (*columns, event.domain))


def _count(connection: Connection, recipient: str, attempt: SendingAttempt) -> None:
    day = datetime.fromtimestamp(attempt.at // _SECOND, UTC).date().isoformat()
    for host in attempt.hosts:
        if not host.policy_type or not host.tls_result:
            continue
        key = (day, domain_of_path(recipient), host.policy_type, host.tls_result)
        if connection.first_row(_COUNTED, key) is None:
            connection.execute(_FIRST, key)
        else:
            connection.execute(_COUNT, key)
