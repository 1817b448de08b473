"""Keeps groups with their members, and the profiles of users; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Index, MetaData, Table, Text

from services.directory.domain.names import user_key
from shared.events.directory import UserRemoved
from shared.events.groups import (
    GroupAdded,
    GroupJoined,
    GroupLeft,
    GroupRemoved,
    GroupRenamed,
    UserProfileChanged,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_INSERT_PROFILE = (
    "INSERT INTO profile (person, display_name, language, time_zone) VALUES (?, ?, ?, ?) ON CONFLICT (person) DO UPDATE"
    " SET display_name = excluded.display_name, language = excluded.language, time_zone = excluded.time_zone"
)


class GroupsProjection:
    """The tables: `user_group` (because `group` is a reserved word in SQL), `group_member` and `profile`."""

    name = "groups"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[Table] = (_user_group(metadata), _group_member(metadata), _profile(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded.event)


def _user_group(metadata: MetaData) -> Table:
    return Table(
        "user_group",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("key", Text, nullable=False),
        Index("user_group_key", "key", unique=True),
        sqlite_with_rowid=False,
    )


def _group_member(metadata: MetaData) -> Table:
    return Table(
        "group_member",
        metadata,
        Column("user_group", Text, primary_key=True),
        Column("person", Text, primary_key=True),
        Index("group_member_person", "person"),
        sqlite_with_rowid=False,
    )


def _profile(metadata: MetaData) -> Table:
    return Table(
        "profile",
        metadata,
        Column("person", Text, primary_key=True),
        Column("display_name", Text, nullable=False),
        Column("language", Text, nullable=False),
        Column("time_zone", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _added(connection: Connection, event: GroupAdded) -> None:
    row = (event.id, event.name, user_key(event.name))
    connection.execute("INSERT INTO user_group (id, name, key) VALUES (?, ?, ?)", row)


def _renamed(connection: Connection, event: GroupRenamed) -> None:
    row = (event.name, user_key(event.name), event.id)
    connection.execute("UPDATE user_group SET name = ?, key = ? WHERE id = ?", row)


def _removed(connection: Connection, event: GroupRemoved) -> None:
    connection.execute("DELETE FROM user_group WHERE id = ?", (event.id,))
    connection.execute("DELETE FROM group_member WHERE user_group = ?", (event.id,))


def _joined(connection: Connection, event: GroupJoined) -> None:
    connection.execute("INSERT INTO group_member (user_group, person) VALUES (?, ?)", (event.id, event.user))


def _left(connection: Connection, event: GroupLeft) -> None:
    connection.execute("DELETE FROM group_member WHERE user_group = ? AND person = ?", (event.id, event.user))


def _profile_changed(connection: Connection, event: UserProfileChanged) -> None:
    connection.execute(_INSERT_PROFILE, (event.id, event.display_name, event.language, event.time_zone))


def _user_removed(connection: Connection, event: UserRemoved) -> None:
    connection.execute("DELETE FROM profile WHERE person = ?", (event.id,))


_FOLDS: Mapping[type, Callable[[Connection, Any], None]] = {
    GroupAdded: _added,
    GroupRenamed: _renamed,
    GroupRemoved: _removed,
    GroupJoined: _joined,
    GroupLeft: _left,
    UserProfileChanged: _profile_changed,
    UserRemoved: _user_removed,
}
