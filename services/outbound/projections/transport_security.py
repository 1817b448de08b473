"""The rows of MTA-STS policies, and how the connections to each domain were secured, by day (RFC 8460)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from services.outbound.projections.forgotten import Forgotten
from services.outbound.projections.queue import domain_of_path
from shared.events.outbound import (
    OutboundBounced,
    OutboundDeferred,
    OutboundDelivered,
    OutboundExpired,
    OutboundRowsForgotten,
    OutboundStsPolicyFailed,
    OutboundStsPolicyFetched,
    SendingAttempt,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SECOND = 1_000_000
_KNOWN_POLICY = "SELECT domain FROM sts_policy WHERE domain = ?"
_ADD_POLICY = "INSERT INTO sts_policy (id, mode, mx, max_age, fetched, ends, domain) VALUES (?, ?, ?, ?, ?, ?, ?)"
_SET_POLICY = "UPDATE sts_policy SET id = ?, mode = ?, mx = ?, max_age = ?, fetched = ?, ends = ? WHERE domain = ?"
_NO_POLICY = "DELETE FROM sts_policy WHERE domain = ?"
_KNOWN_FAILURE = "SELECT domain FROM sts_failure WHERE domain = ?"
_ADD_FAILURE = "INSERT INTO sts_failure (id, result, reason, at, domain) VALUES (?, ?, ?, ?, ?)"
_SET_FAILURE = "UPDATE sts_failure SET id = ?, result = ?, reason = ?, at = ? WHERE domain = ?"
_NO_FAILURE = "DELETE FROM sts_failure WHERE domain = ?"
_FORGET_POLICIES = "DELETE FROM sts_policy WHERE ends < ?"
_FORGET_FAILURES = "DELETE FROM sts_failure WHERE at < ?"
_FORGET_RESULTS = "DELETE FROM tls_result WHERE day < ? OR (day = ? AND domain{order} < ?)"
_TABLES = ("sts_policy", "sts_failure", "tls_result")
_KEY = "WHERE day = ? AND domain = ? AND policy_type = ? AND result_type = ?"
_COUNTED = f"SELECT count FROM tls_result {_KEY}"  # noqa: S608
_COUNT = f"UPDATE tls_result SET count = count + 1 {_KEY}"  # noqa: S608
_FIRST = "INSERT INTO tls_result (day, domain, policy_type, result_type, count) VALUES (?, ?, ?, ?, 1)"


class TransportSecurityProjection:
    """Keeps the last policy of each domain and why it cannot be renewed, and counts connections for TLS reports.

    Policies are forgotten in the order of their ends, failures in that of their times, and counts by day and domain.
    """

    name = "transport_security"
    version = 2

    def __init__(self, metadata: MetaData) -> None:
        policy = Table(
            "sts_policy",
            metadata,
            Column("domain", Text, primary_key=True),
            Column("id", Text, nullable=False),
            Column("mode", Text, nullable=False),
            Column("mx", Text, nullable=False),
            Column("max_age", Integer, nullable=False),
            Column("fetched", BigInteger, nullable=False),
            Column("ends", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("sts_policy_ends", policy.c.ends)
        failure = Table(
            "sts_failure",
            metadata,
            Column("domain", Text, primary_key=True),
            Column("id", Text, nullable=False),
            Column("result", Text, nullable=False),
            Column("reason", Text, nullable=False),
            Column("at", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        Index("sts_failure_at", failure.c.at)
        counts = Table(
            "tls_result",
            metadata,
            Column("day", Text, primary_key=True),
            Column("domain", Text, primary_key=True),
            Column("policy_type", Text, primary_key=True),
            Column("result_type", Text, primary_key=True),
            Column("count", Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        self._forgotten = Forgotten("security_forgotten", metadata)
        self.tables: Sequence[sqlalchemy.Table] = (policy, failure, counts, self._forgotten.table)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OutboundStsPolicyFetched() as event:
                self._fetched(connection, event)
            case OutboundStsPolicyFailed() as event:
                self._failed(connection, event, recorded.at)
            case OutboundDelivered() | OutboundDeferred() as event:
                self._count(connection, event.recipient, event.attempt)
            case OutboundBounced() | OutboundExpired() as event if event.attempt is not None:
                self._count(connection, event.recipient, event.attempt)
            case OutboundRowsForgotten() as event:
                if self._forgotten.note(connection, event, _TABLES):
                    _forget(connection, event)
            case _:
                pass

    def _fetched(self, connection: Connection, event: OutboundStsPolicyFetched) -> None:
        connection.execute(_NO_FAILURE, (event.domain,))
        ends = event.fetched + event.max_age * _SECOND
        if ends < self._time("sts_policy", connection):
            connection.execute(_NO_POLICY, (event.domain,))
            return
        known = connection.first_row(_KNOWN_POLICY, (event.domain,))
        columns = (event.id, event.mode, " ".join(event.mx), event.max_age, event.fetched, ends)
        connection.execute(_ADD_POLICY if known is None else _SET_POLICY, (*columns, event.domain))

    def _failed(self, connection: Connection, event: OutboundStsPolicyFailed, at: int) -> None:
        if at < self._time("sts_failure", connection):
            return
        known = connection.first_row(_KNOWN_FAILURE, (event.domain,))
        columns = (event.id, event.result, event.reason, at, event.domain)
        connection.execute(_ADD_FAILURE if known is None else _SET_FAILURE, columns)

    def _time(self, table: str, connection: Connection) -> int:
        return int(self._forgotten.limits(connection).get(table, "0"))

    def _count(self, connection: Connection, recipient: str, attempt: SendingAttempt) -> None:
        counted = [host for host in attempt.hosts if host.policy_type and host.tls_result]
        if not counted:
            return
        day, domain = day_of(attempt.at), domain_of_path(recipient)
        if f"{day} {domain}" < self._forgotten.limits(connection).get("tls_result", ""):
            return
        for host in counted:
            key = (day, domain, host.policy_type, host.tls_result)
            known = connection.first_row(_COUNTED, key)
            connection.execute(_FIRST if known is None else _COUNT, key)


def day_of(at: int) -> str:
    """The day of a time, in UTC: `2026-11-29`."""
    return datetime.fromtimestamp(at // _SECOND, UTC).date().isoformat()


def _forget(connection: Connection, event: OutboundRowsForgotten) -> None:
    match event.table:
        case "sts_policy":
            connection.execute(_FORGET_POLICIES, (int(event.before),))
        case "sts_failure":
            connection.execute(_FORGET_FAILURES, (int(event.before),))
        case _:
            day, _, domain = event.before.partition(" ")
            connection.execute(_FORGET_RESULTS.format(order=connection.octet_order), (day, day, domain))
