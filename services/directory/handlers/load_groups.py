"""Loads groups, and what is known about users."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.domain.groups import GroupState
from services.directory.domain.names import user_key
from services.directory.domain.state import DirectoryRefused, UserState
from services.directory.handlers import load
from shared.eventstore.connection import Reader
from shared.routing.known_groups import GROUP_TARGET, group_of

_GROUP = "SELECT id, name FROM user_group"
_MEMBERS = (
    "SELECT group_member.user_group, person.id, person.name FROM group_member"
    " JOIN person ON person.id = group_member.person"
)
_ACCOUNTS = "SELECT account.person, account.address FROM account JOIN user_group ON user_group.id = account.person"


def group(reader: Reader, name: str) -> GroupState | None:
    """The group with this name or id."""
    row = load.row_of(reader, _GROUP, "user_group", "key", name, user_key(name))
    if row is None:
        return None
    identity, name = row
    members = reader.all(f"{_MEMBERS} WHERE group_member.user_group = ? ORDER BY person.key", (identity,))
    return GroupState(
        identity,
        name,
        tuple(user for _, user, _ in members),
        tuple(user_name for _, _, user_name in members),
        tuple(accounts_of(reader, identity)),
        tuple(load.aliases_to(reader, f"{GROUP_TARGET}{identity}")),
    )


def member_ids(reader: Reader, group: str) -> frozenset[str]:
    """The ids of the users in a group by id; none for what is no group."""
    rows = reader.all("SELECT person FROM group_member WHERE user_group = ?", (group,))
    return frozenset(user for (user,) in rows)


def group_id(reader: Reader, name: str) -> str:
    """The id of an existing group. Raises DirectoryRefused."""
    row = load.row_of(reader, _GROUP, "user_group", "key", name, user_key(name))
    if row is None:
        raise DirectoryRefused("missing", f"there is no group {name}: `mailfold group list` shows them")
    return str(row[0])


def groups(reader: Reader) -> list[GroupState]:
    """All groups, by name."""
    members, accounts = dict[str, list[tuple[str, str]]](), dict[str, list[str]]()
    for identity, user, name in reader.all(f"{_MEMBERS} ORDER BY person.key"):
        members.setdefault(identity, []).append((user, name))
    for identity, address in reader.all(f"{_ACCOUNTS} ORDER BY account.address"):
        accounts.setdefault(identity, []).append(address)
    return [
        GroupState(
            identity,
            name,
            tuple(user for user, _ in members.get(identity, ())),
            tuple(user_name for _, user_name in members.get(identity, ())),
            tuple(accounts.get(identity, ())),
        )
        for identity, name in reader.all(f"{_GROUP} ORDER BY key")
    ]


def groups_of(reader: Reader, user: str) -> list[tuple[str, str]]:
    """The ids and names of the groups of which a user is a member."""
    sql = (
        "SELECT user_group.id, user_group.name FROM group_member"
        " JOIN user_group ON user_group.id = group_member.user_group WHERE group_member.person = ?"
        " ORDER BY user_group.key"
    )
    return [(identity, name) for identity, name in reader.all(sql, (user,))]


def accounts_of(reader: Reader, identity: str) -> list[str]:
    """The addresses of the accounts of a group."""
    sql = f"{_ACCOUNTS} WHERE account.person = ? ORDER BY account.address"
    return [address for _, address in reader.all(sql, (identity,))]


def whole_user(reader: Reader, name: str) -> UserState:
    """The user with this name or id, with the profile and the groups. Raises DirectoryRefused."""
    return load.existing("user", name, user_if_any(reader, name))


def user_if_any(reader: Reader, name: str) -> UserState | None:
    """The user with this name or id, with the profile and the groups."""
    user = load.user(reader, name)
    if user is None:
        return None
    sql = "SELECT display_name, language, time_zone FROM profile WHERE person = ?"
    display_name, language, time_zone = reader.first_row(sql, (user.id,)) or ("", "", "")
    groups = tuple(name for _, name in groups_of(reader, user.id))
    return msgspec.structs.replace(
        user, display_name=display_name, language=language, time_zone=time_zone, groups=groups
    )


def with_group_names(reader: Reader, targets: Sequence[str]) -> tuple[str, ...]:
    """The targets of an alias with the names of groups in place of their ids."""
    shown: list[str] = []
    for target in targets:
        row = reader.first_row(f"{_GROUP} WHERE id = ?", (identity,)) if (identity := group_of(target)) else None
        shown.append(f"{GROUP_TARGET}{row[1]}" if row is not None else target)
    return tuple(shown)
