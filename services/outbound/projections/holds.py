"""The rows of the switch for all sending, and of the rules that hold new mail."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from shared.events.outbound import OutboundHoldRuleAdded, OutboundHoldRuleRemoved, OutboundPaused, OutboundResumed
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_ADD_RULE = "INSERT INTO hold_rule (rule, sender, recipient, reason, at) VALUES (?, ?, ?, ?, ?)"


class HoldProjection:
    """Keeps the switch for all sending, and the rules that hold new mail."""

    name = "holds"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "pause",
                metadata,
                Column("name", Text, primary_key=True),
                Column("reason", Text, nullable=False),
                Column("at", BigInteger, nullable=False),
                sqlite_with_rowid=False,
            ),
            Table(
                "hold_rule",
                metadata,
                Column("rule", Text, primary_key=True),
                Column("sender", Text, nullable=False),
                Column("recipient", Text, nullable=False),
                Column("reason", Text, nullable=False),
                Column("at", BigInteger, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case OutboundPaused(reason):
                connection.execute("DELETE FROM pause WHERE name = 'all'")
                connection.execute("INSERT INTO pause (name, reason, at) VALUES ('all', ?, ?)", (reason, recorded.at))
            case OutboundResumed():
                connection.execute("DELETE FROM pause WHERE name = 'all'")
            case OutboundHoldRuleAdded(rule, sender, recipient, reason):
                connection.execute(_ADD_RULE, (rule, sender, recipient, reason, recorded.at))
            case OutboundHoldRuleRemoved(rule):
                connection.execute("DELETE FROM hold_rule WHERE rule = ?", (rule,))
            case _:
                pass
