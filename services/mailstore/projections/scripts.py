"""The Sieve scripts of accounts and of the server, the places in which they work, and the changes that made them.

An owner has a row in `script_owner` from the first script on. It counts the changes, so that the changes can be bounded
and that a look at these rows says whether anything has changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from shared.events.closing import AccountErased
from shared.events.scripts import ScriptActivated, ScriptDeleted, ScriptPut, ScriptRenamed
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded, encode_actor
from shared.scripts.settings import MOST_CHANGES

PUT, RENAMED, DELETED, ACTIVATED = "put", "renamed", "deleted", "activated"
_TABLES = ("script", "script_place", "script_change", "script_owner")
_COUNT = (
    "INSERT INTO script_owner (owner, changes, at) VALUES (?, 1, ?)"
    " ON CONFLICT (owner) DO UPDATE SET changes = script_owner.changes + 1, at = excluded.at"
)
_NOTE = (
    "INSERT INTO script_change (owner, number, position, at, type, name, detail, actor, digest, size)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT = (
    "INSERT INTO script (owner, name, digest, requires, size, at, change, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (owner, name) DO UPDATE SET digest = excluded.digest, requires = excluded.requires,"
    " size = excluded.size, at = excluded.at, change = excluded.change, source = excluded.source"
)
_ROW = "SELECT digest, requires, size, at, change, source FROM script WHERE owner = ? AND name = ?"
_PLACE = (
    "INSERT INTO script_place (owner, place, name, digest, requires) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (owner, place) DO UPDATE SET name = excluded.name, digest = excluded.digest,"
    " requires = excluded.requires"
)


class ScriptProjection:
    """Applies the events of scripts."""

    name = "scripts"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            _script(metadata),
            _script_place(metadata),
            _script_change(metadata),
            _script_owner(metadata),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case ScriptPut(owner, name) as event:
                size = _store(connection, recorded, event)
                _note(connection, recorded, owner, (PUT, name, event.reverted_to), (event.digest, size))
            case ScriptRenamed(owner, name, new_name):
                _rename(connection, owner, name, new_name)
                _note(connection, recorded, owner, (RENAMED, name, new_name))
            case ScriptDeleted(owner, name):
                connection.execute("DELETE FROM script WHERE owner = ? AND name = ?", (owner, name))
                _note(connection, recorded, owner, (DELETED, name, ""))
            case ScriptActivated(owner, place, name):
                _activate(connection, owner, place, name)
                _note(connection, recorded, owner, (ACTIVATED, name, place))
            case AccountErased(account):
                for table in _TABLES:
                    connection.execute(f"DELETE FROM {table} WHERE owner = ?", (account,))  # noqa: S608


def _store(connection: Connection, recorded: Recorded, event: ScriptPut) -> int:
    """Store a script; returns its size. In a place the new version works at once."""
    size, requires = len(event.source.encode()), msgspec.json.encode(event.requires).decode()
    row = (event.owner, event.name, event.digest, requires, size, recorded.at, recorded.position, event.source)
    connection.execute(_PUT, row)
    connection.execute(
        "UPDATE script_place SET digest = ?, requires = ? WHERE owner = ? AND name = ?",
        (event.digest, requires, event.owner, event.name),
    )
    return size


def _rename(connection: Connection, owner: str, name: str, new_name: str) -> None:
    row = connection.first_row(_ROW, (owner, name))
    if row is None:
        return
    connection.execute("DELETE FROM script WHERE owner = ? AND name = ?", (owner, name))
    connection.execute(_PUT, (owner, new_name, *row))
    connection.execute("UPDATE script_place SET name = ? WHERE owner = ? AND name = ?", (new_name, owner, name))


def _activate(connection: Connection, owner: str, place: str, name: str) -> None:
    row = connection.first_row("SELECT digest, requires FROM script WHERE owner = ? AND name = ?", (owner, name))
    if row is None:
        connection.execute("DELETE FROM script_place WHERE owner = ? AND place = ?", (owner, place))
    else:
        connection.execute(_PLACE, (owner, place, name, *row))


def _note(
    connection: Connection,
    recorded: Recorded,
    owner: str,
    change: tuple[str, str, str],
    version: tuple[str, int] = ("", 0),
) -> None:
    """Note a change: its type, name and detail, and the digest and size of a version; the oldest is forgotten."""
    connection.execute(_COUNT, (owner, recorded.at))
    row = connection.first_row("SELECT changes FROM script_owner WHERE owner = ?", (owner,))
    number = row[0] if row else 1
    actor = encode_actor(recorded.provenance.actor)
    connection.execute(_NOTE, (owner, number, recorded.position, recorded.at, *change, actor, *version))
    connection.execute("DELETE FROM script_change WHERE owner = ? AND number <= ?", (owner, number - MOST_CHANGES))


def _script(metadata: MetaData) -> Table:
    """Rows are long, as those of entries (docs/adr/0006)."""
    return Table(
        "script",
        metadata,
        Column("owner", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("requires", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("change", BigInteger, nullable=False),
        Column("source", Text, nullable=False),
        PrimaryKeyConstraint("owner", "name"),
    )


def _script_place(metadata: MetaData) -> Table:
    return Table(
        "script_place",
        metadata,
        Column("owner", Text),
        Column("place", Text),
        Column("name", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("requires", Text, nullable=False),
        PrimaryKeyConstraint("owner", "place"),
        sqlite_with_rowid=False,
    )


def _script_change(metadata: MetaData) -> Table:
    return Table(
        "script_change",
        metadata,
        Column("owner", Text),
        Column("number", BigInteger),
        Column("position", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        PrimaryKeyConstraint("owner", "number"),
        Index("script_change_at", "owner", "at"),
        sqlite_with_rowid=False,
    )


def _script_owner(metadata: MetaData) -> Table:
    return Table(
        "script_owner",
        metadata,
        Column("owner", Text, primary_key=True),
        Column("changes", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
