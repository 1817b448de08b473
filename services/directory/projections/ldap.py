"""Applies events to the users whose person is in a directory elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Table, Text

from services.directory.domain.ldap_people import entry_of
from shared.events.directory import UserPasswordChanged, UserRemoved
from shared.events.ldap import LdapUserBack, LdapUserLinked, LdapUserMissing
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class LdapProjection:
    """Keeps the identities of users' people, and since when people are missing."""

    name = "ldap"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[Table] = (
            Table(
                "ldap_user",
                metadata,
                Column("person", Text, primary_key=True),
                Column("entry", Text, nullable=False),
                Column("missing_since", BigInteger, nullable=False),
                Index("ldap_user_entry", "entry", unique=True),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case LdapUserLinked(user, entry):
                connection.execute(
                    "INSERT INTO ldap_user (person, entry, missing_since) VALUES (?, ?, 0)"
                    " ON CONFLICT (person) DO UPDATE SET entry = excluded.entry, missing_since = 0",
                    (user, entry),
                )
            case LdapUserMissing(user, since):
                connection.execute("UPDATE ldap_user SET missing_since = ? WHERE person = ?", (since, user))
            case LdapUserBack(user):
                connection.execute("UPDATE ldap_user SET missing_since = 0 WHERE person = ?", (user,))
            case UserPasswordChanged(user, password_hash) if not entry_of(password_hash):
                _unlink(connection, user)  # a password set here takes the user out of the directory elsewhere
            case UserRemoved(user):
                _unlink(connection, user)
            case _:
                pass


def _unlink(connection: Connection, user: str) -> None:
    connection.execute("DELETE FROM ldap_user WHERE person = ?", (user,))
