"""Applies events to the rules of sharing and the names of accounts; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy
from sqlalchemy import Boolean, Column, Index, LargeBinary, MetaData, Table, Text

from services.directory.domain.names import key_of
from shared.events.directory import AccountAdded, AccountRemoved, DomainRemoved
from shared.events.sharing import SharingRuleChanged, SharingSwitched
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

SERVER = "*"
"""The scope of the server's switch; that of a rule is the id of its domain."""
SWITCHED_ON, SWITCHED_OFF = "on", "off"
_WRITE = (
    "INSERT INTO sharing_rule (scope, visible, domains, anyone) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (scope) DO UPDATE SET visible = excluded.visible, domains = excluded.domains,"
    " anyone = excluded.anyone"
)
_ADD = (
    "INSERT INTO visible_name (domain, name, account) VALUES (?, ?, ?)"
    " ON CONFLICT (domain, name) DO UPDATE SET account = excluded.account"
)


class SharingProjection:
    """The tables `sharing_rule` and `visible_name`, whose names are octets so that every database orders them alike."""

    name = "sharing"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_sharing_rule(metadata), _visible_name(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case SharingSwitched(on):
                connection.execute(_WRITE, (SERVER, SWITCHED_ON if on else SWITCHED_OFF, "[]", False))
            case SharingRuleChanged(domain, visible, domains, anyone):
                connection.execute(_WRITE, (domain, visible, msgspec.json.encode(domains).decode(), anyone))
            case DomainRemoved(domain):
                connection.execute("DELETE FROM sharing_rule WHERE scope = ?", (domain,))
            case AccountAdded(identity, address):
                key = key_of(address)
                connection.execute(_ADD, (key.rpartition("@")[2], key.encode(), identity))
            case AccountRemoved(identity):
                connection.execute("DELETE FROM visible_name WHERE account = ?", (identity,))


def _sharing_rule(metadata: MetaData) -> Table:
    return Table(
        "sharing_rule",
        metadata,
        Column("scope", Text, primary_key=True),
        Column("visible", Text, nullable=False),
        Column("domains", Text, nullable=False),
        Column("anyone", Boolean, nullable=False),
        sqlite_with_rowid=False,
    )


def _visible_name(metadata: MetaData) -> Table:
    return Table(
        "visible_name",
        metadata,
        Column("domain", Text, primary_key=True),
        Column("name", LargeBinary, primary_key=True),
        Column("account", Text, nullable=False),
        Index("visible_name_account", "account"),
        sqlite_with_rowid=False,
    )
