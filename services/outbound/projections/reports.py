"""The rows of notifications that the ingress has not accepted yet."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from shared.events.outbound import OutboundReportMade, OutboundReportSubmitted
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class ReportProjection:
    """Keeps one row for each notification that must still be submitted."""

    name = "reports"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "report",
                metadata,
                Column("report", Text, primary_key=True),
                Column("blob", Text, nullable=False),
                Column("at", BigInteger, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OutboundReportMade(report) as event:
                row = (report, event.blob, recorded.at)
                connection.execute("INSERT INTO report (report, blob, at) VALUES (?, ?, ?)", row)
            case OutboundReportSubmitted(report):
                connection.execute("DELETE FROM report WHERE report = ?", (report,))
            case _:
                pass
