"""Applies events to the users and groups that are followed in a directory elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text

from services.directory.domain.ldap_people import entry_of
from shared.events import ldap
from shared.events.directory import UserPasswordChanged, UserRemoved
from shared.events.groups import GroupRemoved
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_LINK_USER = (
    "INSERT INTO ldap_user (person, entry, missing_since, disabled_there, password_time) VALUES (?, ?, 0, ?, '')"
    " ON CONFLICT (person) DO UPDATE SET entry = excluded.entry, missing_since = 0,"
    " disabled_there = excluded.disabled_there, password_time = ''"
)
_SWITCH_USER = "UPDATE ldap_user SET disabled_there = ? WHERE person = ?"
_NOTE_TIME = "UPDATE ldap_user SET password_time = ? WHERE person = ?"
_LINK_GROUP = "INSERT INTO ldap_group (user_group, entry, missing_since) VALUES (?, ?, 0)"


class LdapProjection:
    """Keeps the identities of users' people and of groups, and since when they are missing."""

    name = "ldap"
    version = 3

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[Table] = (
            _followed(
                "ldap_user",
                "person",
                metadata,
                Column("disabled_there", Boolean, nullable=False),
                Column("password_time", Text, nullable=False),
            ),
            _followed("ldap_group", "user_group", metadata),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded.event)


def _followed(name: str, key: str, metadata: MetaData, *further: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        Column(key, Text, primary_key=True),
        Column("entry", Text, nullable=False),
        Column("missing_since", BigInteger, nullable=False),
        *further,
        Index(f"{name}_entry", "entry", unique=True),
        sqlite_with_rowid=False,
    )


def _user_missing(connection: Connection, user: str, since: int) -> None:
    connection.execute("UPDATE ldap_user SET missing_since = ? WHERE person = ?", (since, user))


def _group_missing(connection: Connection, group: str, since: int) -> None:
    connection.execute("UPDATE ldap_group SET missing_since = ? WHERE user_group = ?", (since, group))


def _unlink_user(connection: Connection, user: str) -> None:
    connection.execute("DELETE FROM ldap_user WHERE person = ?", (user,))


def _unlink_group(connection: Connection, group: str) -> None:
    connection.execute("DELETE FROM ldap_group WHERE user_group = ?", (group,))


def _password_changed(connection: Connection, event: UserPasswordChanged) -> None:
    if not entry_of(event.password_hash):  # a password set here takes the user out of the directory elsewhere
        _unlink_user(connection, event.id)


_FOLDS: Mapping[type, Callable[[Connection, Any], object]] = {
    ldap.LdapUserLinked: lambda connection, event: connection.execute(_LINK_USER, (event.user, event.entry, False)),
    ldap.LdapUserMissing: lambda connection, event: _user_missing(connection, event.user, event.since),
    ldap.LdapUserBack: lambda connection, event: _user_missing(connection, event.user, 0),
    ldap.LdapUserSwitched: lambda connection, event: connection.execute(_SWITCH_USER, (event.disabled, event.user)),
    ldap.LdapPasswordChanged: lambda connection, event: connection.execute(_NOTE_TIME, (event.time, event.user)),
    ldap.LdapGroupLinked: lambda connection, event: connection.execute(_LINK_GROUP, (event.group, event.entry)),
    ldap.LdapGroupUnlinked: lambda connection, event: _unlink_group(connection, event.group),
    ldap.LdapGroupMissing: lambda connection, event: _group_missing(connection, event.group, event.since),
    ldap.LdapGroupBack: lambda connection, event: _group_missing(connection, event.group, 0),
    UserPasswordChanged: _password_changed,
    UserRemoved: lambda connection, event: _unlink_user(connection, event.id),
    GroupRemoved: lambda connection, event: _unlink_group(connection, event.id),
}
