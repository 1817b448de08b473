"""The tables of mailing lists and their members; only this projection changes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text

from services.directory.domain.names import key_of
from shared.events import directory as directory_events
from shared.events import lists as list_events
from shared.events.credentials import ApplicationRemoved
from shared.events.groups import GroupRemoved
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded
from shared.protocol.address.account import without_subaddress
from shared.protocol.address.address import parse_address
from shared.routing.known_groups import GROUP_TARGET, group_of

_texts = msgspec.json.Decoder(tuple[str, ...])
_JOIN = (
    "INSERT INTO list_member (list, id, address, key, bare, paused, bounces, bounced_on, last_post, last_status)"
    " VALUES (?, ?, ?, ?, ?, ?, 0, 0, '', '') ON CONFLICT DO NOTHING"
)


class ListProjection:
    """Keeps lists and their members. Who has an address later inherits no membership and no ownership."""

    name = "lists"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_list(metadata), _owner(metadata), _member(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded.event)


def _list(metadata: MetaData) -> Table:
    return Table(
        "mailing_list",
        metadata,
        Column("id", Text, primary_key=True),
        Column("address", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("domain", Text, nullable=False),
        Column("owners", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("members_only", Boolean, nullable=False),
        Column("skip_recipients", Boolean, nullable=False),
        Column("rewrite_author", Boolean, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Index("mailing_list_key", "key", unique=True),
        Index("mailing_list_domain", "domain"),
        sqlite_with_rowid=False,
    )


def _owner(metadata: MetaData) -> Table:
    return Table(
        "list_owner",
        metadata,
        Column("owner", Text, primary_key=True),
        Column("list", Text, primary_key=True),
        Index("list_owner_list", "list"),
        sqlite_with_rowid=False,
    )


def _member(metadata: MetaData) -> Table:
    return Table(
        "list_member",
        metadata,
        Column("list", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("address", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("bare", Text, nullable=False),
        Column("paused", Boolean, nullable=False),
        Column("bounces", BigInteger, nullable=False),
        Column("bounced_on", BigInteger, nullable=False),
        Column("last_post", Text, nullable=False),
        Column("last_status", Text, nullable=False),
        Index("list_member_key", "list", "key", unique=True),
        Index("list_member_bare", "bare", "list"),
        Index("list_member_address", "key"),
        sqlite_with_rowid=False,
    )


def _added(connection: Connection, event: list_events.ListAdded) -> None:
    domain = event.address.rpartition("@")[2]
    connection.execute(
        "INSERT INTO mailing_list (id, address, key, domain, owners, description, members_only, skip_recipients,"
        " rewrite_author, disabled) VALUES (?, ?, ?, ?, '[]', ?, ?, ?, ?, ?)",
        (event.id, event.address, key_of(event.address), domain, event.description, True, False, False, False),
    )
    _set_owners(connection, event.id, event.owners)


def _changed(connection: Connection, event: list_events.ListChanged) -> None:
    connection.execute(
        "UPDATE mailing_list SET description = ?, members_only = ?, skip_recipients = ?, rewrite_author = ?,"
        " disabled = ? WHERE id = ?",
        (
            event.description,
            event.members_only,
            event.skip_recipients,
            event.rewrite_author,
            event.disabled,
            event.id,
        ),
    )


def _owners_changed(connection: Connection, event: list_events.ListOwnersChanged) -> None:
    _set_owners(connection, event.id, event.owners)


def _set_owners(connection: Connection, identity: str, owners: Sequence[str]) -> None:
    text = msgspec.json.encode(owners).decode()
    connection.execute("UPDATE mailing_list SET owners = ? WHERE id = ?", (text, identity))
    connection.execute("DELETE FROM list_owner WHERE list = ?", (identity,))
    rows = [(key, identity) for key in sorted({key_of(owner) for owner in owners})]
    connection.execute_many("INSERT INTO list_owner (owner, list) VALUES (?, ?)", rows)


def _removed(connection: Connection, event: list_events.ListRemoved) -> None:
    connection.execute("DELETE FROM mailing_list WHERE id = ?", (event.id,))
    connection.execute("DELETE FROM list_owner WHERE list = ?", (event.id,))
    connection.execute("DELETE FROM list_member WHERE list = ?", (event.id,))
    _end_memberships(connection, event)


def _joined(connection: Connection, event: list_events.ListMembersJoined) -> None:
    rows = [
        (event.id, member.id, member.address, key_of(member.address), bare_key(member.address), False)
        for member in event.members
    ]
    connection.execute_many(_JOIN, rows)


def _left(connection: Connection, event: list_events.ListMembersLeft) -> None:
    rows = [(event.id, member) for member in event.members]
    connection.execute_many("DELETE FROM list_member WHERE list = ? AND id = ?", rows)


def _bounced(connection: Connection, event: list_events.ListMemberBounced) -> None:
    connection.execute(
        "UPDATE list_member SET bounces = ?, bounced_on = ?, last_post = ?, last_status = ? WHERE list = ? AND id = ?",
        (event.bounces, event.day, event.queue_id, event.status, event.id, event.member),
    )


def _switched(connection: Connection, event: list_events.ListMemberSwitched) -> None:
    connection.execute(
        "UPDATE list_member SET paused = ? WHERE list = ? AND id = ?", (event.paused, event.id, event.member)
    )
    if not event.paused:
        connection.execute(
            "UPDATE list_member SET bounces = 0, bounced_on = 0, last_post = '', last_status = ''"
            " WHERE list = ? AND id = ?",
            (event.id, event.member),
        )


_Gone = directory_events.AccountRemoved | directory_events.AliasRemoved | ApplicationRemoved | list_events.ListRemoved


def _end_memberships(connection: Connection, event: _Gone) -> None:
    """End what an address was in lists, because the address is removed."""
    key = key_of(event.address)
    connection.execute("DELETE FROM list_member WHERE key = ? OR bare = ?", (key, key))
    for (identity,) in connection.all("SELECT list FROM list_owner WHERE owner = ? ORDER BY list", (key,)):
        row = connection.first_row("SELECT owners FROM mailing_list WHERE id = ?", (identity,))
        if row is not None:
            left = tuple(owner for owner in _texts.decode(row[0]) if key_of(owner) != key)
            _set_owners(connection, identity, left)


def _group_removed(connection: Connection, event: GroupRemoved) -> None:
    connection.execute("DELETE FROM list_member WHERE key = ?", (f"{GROUP_TARGET}{event.id}",))


def bare_key(address: str) -> str:
    """The lookup key of an address without the tag of a sub-address; that of a group is the same with and without."""
    if group_of(address):
        return key_of(address)
    return key_of(str(without_subaddress(parse_address(address))[0]))


_FOLDS: dict[type, Callable[[Connection, Any], None]] = {
    list_events.ListAdded: _added,
    list_events.ListChanged: _changed,
    list_events.ListOwnersChanged: _owners_changed,
    list_events.ListRemoved: _removed,
    list_events.ListMembersJoined: _joined,
    list_events.ListMembersLeft: _left,
    list_events.ListMemberBounced: _bounced,
    list_events.ListMemberSwitched: _switched,
    directory_events.AccountRemoved: _end_memberships,
    directory_events.AliasRemoved: _end_memberships,
    ApplicationRemoved: _end_memberships,
    GroupRemoved: _group_removed,
}
