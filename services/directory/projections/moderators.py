"""The tables of moderated lists and their moderators; only this projection changes them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from services.directory.domain.names import key_of
from shared.events.credentials import ApplicationAdded
from shared.events.directory import AccountAdded, AccountRemoved, AliasAdded
from shared.events.lists import ListRemoved
from shared.events.moderation import ListModerationSet, ListModeratorsChanged
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_SET = (
    "INSERT INTO moderated_list (list, moderate, most_posts, most_bytes, days) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (list) DO UPDATE SET moderate = excluded.moderate, most_posts = excluded.most_posts,"
    " most_bytes = excluded.most_bytes, days = excluded.days"
)
_ADD = "INSERT INTO list_moderator (list, place, address, key) VALUES (?, ?, ?, ?)"


class ModeratorProjection:
    """Keeps settings and moderators. Who has an address later moderates nothing."""

    name = "moderators"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_list(metadata), _moderator(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case ListModerationSet(identity, moderate, most_posts, most_bytes, days):
                connection.execute(_SET, (identity, moderate, most_posts, most_bytes, days))
            case ListModeratorsChanged(identity, moderators):
                connection.execute("DELETE FROM list_moderator WHERE list = ?", (identity,))
                rows = [(identity, place, address, key_of(address)) for place, address in enumerate(moderators)]
                connection.execute_many(_ADD, rows)
            case ListRemoved(identity):
                connection.execute("DELETE FROM moderated_list WHERE list = ?", (identity,))
                connection.execute("DELETE FROM list_moderator WHERE list = ?", (identity,))
            case AccountRemoved() | AccountAdded() | AliasAdded() | ApplicationAdded() as changed:
                connection.execute("DELETE FROM list_moderator WHERE key = ?", (key_of(changed.address),))
            case _:
                pass


def _list(metadata: MetaData) -> Table:
    return Table(
        "moderated_list",
        metadata,
        Column("list", Text, primary_key=True),
        Column("moderate", Text, nullable=False),
        Column("most_posts", BigInteger, nullable=False),
        Column("most_bytes", BigInteger, nullable=False),
        Column("days", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _moderator(metadata: MetaData) -> Table:
    return Table(
        "list_moderator",
        metadata,
        Column("list", Text, primary_key=True),
        Column("place", BigInteger, primary_key=True),
        Column("address", Text, nullable=False),
        Column("key", Text, nullable=False),
        Index("list_moderator_key", "key"),
        sqlite_with_rowid=False,
    )
