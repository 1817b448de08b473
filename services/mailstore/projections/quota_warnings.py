"""The accounts that use much of their quota, with the warning in force. Other accounts have no row."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text

from shared.events.closing import AccountErased
from shared.events.quota import QuotaEased, QuotaNotified, QuotaWarned
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_WARN = (
    "INSERT INTO quota_warning (account, percent, report, at, used_bytes, used_messages, limit_bytes, limit_messages,"
    " is_notified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET percent = excluded.percent,"
    " report = excluded.report, at = excluded.at, used_bytes = excluded.used_bytes,"
    " used_messages = excluded.used_messages, limit_bytes = excluded.limit_bytes,"
    " limit_messages = excluded.limit_messages, is_notified = excluded.is_notified"
)


class QuotaWarningProjection:
    """Keeps a row for each account with a warning."""

    name = "quota-warnings"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_quota_warning(metadata),)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case QuotaWarned(account, percent, report, octets, messages, most_octets, most_messages):
                row = (account, percent, report, recorded.at, octets, messages, most_octets, most_messages, False)
                connection.execute(_WARN, row)
            case QuotaEased(account, 0):
                connection.execute("DELETE FROM quota_warning WHERE account = ?", (account,))
            case QuotaEased(account, percent):
                connection.execute("UPDATE quota_warning SET percent = ? WHERE account = ?", (percent, account))
            case AccountErased(account):
                connection.execute("DELETE FROM quota_warning WHERE account = ?", (account,))
            case QuotaNotified(account, report):
                sql = "UPDATE quota_warning SET is_notified = ? WHERE account = ? AND (report = ? OR ? = '')"
                connection.execute(sql, (True, account, report, report))


def _quota_warning(metadata: MetaData) -> Table:
    return Table(
        "quota_warning",
        metadata,
        Column("account", Text, primary_key=True),
        Column("percent", Integer, nullable=False),
        Column("report", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("used_bytes", BigInteger, nullable=False),
        Column("used_messages", BigInteger, nullable=False),
        Column("limit_bytes", BigInteger, nullable=False),
        Column("limit_messages", BigInteger, nullable=False),
        Column("is_notified", Boolean, nullable=False),
        Index("quota_warning_notified", "is_notified", "at"),
        sqlite_with_rowid=False,
    )
