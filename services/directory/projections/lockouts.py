"""Applies events to the lockouts in force and the networks that accounts know; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from shared.events.credentials import ApplicationRemoved
from shared.events.directory import AccountRemoved
from shared.events.lockouts import LockoutEnded, LockoutLifted, LockoutStarted, LoginNetworkKnown
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

NETWORKS_PER_ACCOUNT = 50
_START = (
    "INSERT INTO lockout (id, kind, account, network, protocol, mistakes, since, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET protocol = excluded.protocol, mistakes = excluded.mistakes,"
    " since = excluded.since, until = excluded.until"
)
_KNOW = (
    "INSERT INTO known_network (account, network, seen_at) VALUES (?, ?, ?)"
    " ON CONFLICT (account, network) DO UPDATE SET seen_at = excluded.seen_at"
)
_OLDER = "SELECT network FROM known_network WHERE account = ? ORDER BY seen_at DESC, network{order} LIMIT 10 OFFSET ?"


class LockoutProjection:
    """Keeps both."""

    name = "lockouts"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        lockout = Table(
            "lockout",
            metadata,
            Column("id", Text, primary_key=True),
            Column("kind", Text, nullable=False),
            Column("account", Text, nullable=False),
            Column("network", Text, nullable=False),
            Column("protocol", Text, nullable=False),
            Column("mistakes", Integer, nullable=False),
            Column("since", BigInteger, nullable=False),
            Column("until", BigInteger, nullable=False),
            Index("lockout_account", "account"),
            sqlite_with_rowid=False,
        )
        known = Table(
            "known_network",
            metadata,
            Column("account", Text, primary_key=True),
            Column("network", Text, primary_key=True),
            Column("seen_at", BigInteger, nullable=False),
            sqlite_with_rowid=False,
        )
        self.tables: Sequence[sqlalchemy.Table] = (lockout, known)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case LockoutStarted(kind, account, network, protocol, mistakes, until):
                row = (lockout_id(kind, account, network), kind, account, network, protocol, mistakes)
                connection.execute(_START, (*row, recorded.at, until))
            case LockoutEnded(kind, account, network, _) | LockoutLifted(kind, account, network):
                connection.execute("DELETE FROM lockout WHERE id = ?", (lockout_id(kind, account, network),))
            case LoginNetworkKnown(account, network):
                _know(connection, account, network, recorded.at)
            case AccountRemoved(account) | ApplicationRemoved(account):
                connection.execute("DELETE FROM lockout WHERE account = ?", (account,))
                connection.execute("DELETE FROM known_network WHERE account = ?", (account,))
            case _:
                pass


def lockout_id(kind: str, account: str, network: str) -> str:
    """The key of a lockout."""
    return f"{kind} {account} {network}"


def _know(connection: Connection, account: str, network: str, at: int) -> None:
    connection.execute(_KNOW, (account, network, at))
    for (older,) in connection.all(_OLDER.format(order=connection.octet_order), (account, NETWORKS_PER_ACCOUNT)):
        connection.execute("DELETE FROM known_network WHERE account = ? AND network = ?", (account, older))
