"""Applies events to the roles of users."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy
from sqlalchemy import Column, Table, Text

from shared.events.directory import UserAdded, UserRemoved
from shared.events.rights import RoleGiven
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class RightsProjection:
    """Keeps the roles of users, and which user added a user."""

    name = "rights"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[Table] = (
            Table(
                "user_role",
                metadata,
                Column("person", Text, primary_key=True),
                Column("role", Text, nullable=False),
                Column("domains", Text, nullable=False),
                sqlite_with_rowid=False,
            ),
            Table(
                "user_added_by",
                metadata,
                Column("person", Text, primary_key=True),
                Column("added_by", Text, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case RoleGiven(user, role, domains):
                connection.execute(
                    "INSERT INTO user_role (person, role, domains) VALUES (?, ?, ?)"
                    " ON CONFLICT (person) DO UPDATE SET role = excluded.role, domains = excluded.domains",
                    (user, role, msgspec.json.encode(domains).decode()),
                )
            case UserAdded(user) if recorded.provenance.actor.kind == "user":
                row = (user, recorded.provenance.actor.id)
                connection.execute("INSERT INTO user_added_by (person, added_by) VALUES (?, ?)", row)
            case UserRemoved(user):
                connection.execute("DELETE FROM user_role WHERE person = ?", (user,))
                connection.execute("DELETE FROM user_added_by WHERE person = ?", (user,))
            case _:
                pass
