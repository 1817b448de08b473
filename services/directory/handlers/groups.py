"""Commands on groups and profiles: each method is the body of a unit of work.

A command id that was already carried out gets the same answer again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.directory.domain import groups, names
from services.directory.domain.groups import GroupState
from services.directory.domain.profiles import ProfileRequest, change_profile
from services.directory.domain.state import DirectoryRefused, UserState
from services.directory.handlers import ldap_rows, load, load_groups
from services.directory.handlers.commands import append
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids

_Change = Callable[[GroupState, Sequence[UserState]], list[Event]]


class GroupCommands:
    """The commands."""

    def __init__(self, ids: Ids, is_time_zone: Callable[[str], bool]) -> None:
        self._ids = ids
        self._is_time_zone = is_time_zone

    def add(self, tx: Transaction, name: str, users: Sequence[str], provenance: Provenance) -> GroupState:
        """Add a group with its first members."""
        name = names.group_name(name)
        if not tx.answered(provenance.command):
            identity = self._ids.new(IdKind.GROUP)
            events = groups.add_group(
                load_groups.group(tx, name), identity, name, users_named(tx, users) if users else ()
            )
            append(tx, f"group:{identity}", events, provenance)
        return _group(tx, name)

    def rename(self, tx: Transaction, name: str, new_name: str, provenance: Provenance) -> GroupState:
        """Give a group another name."""
        new_name = names.group_name(new_name)
        if not tx.answered(provenance.command):
            group = _own_group(tx, name)
            events = groups.rename_group(group, load_groups.group(tx, new_name), new_name)
            append(tx, f"group:{group.id}", events, provenance)
        return _group(tx, new_name)

    def remove(self, tx: Transaction, name: str, provenance: Provenance) -> str:
        """Remove a group; returns its name."""
        if not tx.answered(provenance.command):
            group = _own_group(tx, name)
            append(tx, f"group:{group.id}", groups.remove_group(group), provenance)
            return group.name
        return name

    def join(self, tx: Transaction, name: str, users: Sequence[str], provenance: Provenance) -> GroupState:
        """Make users members of a group."""
        return self._change_members(tx, name, users, groups.join_group, provenance)

    def leave(self, tx: Transaction, name: str, users: Sequence[str], provenance: Provenance) -> GroupState:
        """End the membership of users."""
        return self._change_members(tx, name, users, groups.leave_group, provenance)

    def set_profile(self, tx: Transaction, name: str, request: ProfileRequest, provenance: Provenance) -> UserState:
        """Change the profile of a user; no event is written when nothing changes."""
        user = load_groups.whole_user(tx, name)
        append(tx, f"user:{user.id}", change_profile(user, request, self._is_time_zone), provenance)
        return load_groups.whole_user(tx, name)

    def _change_members(
        self, tx: Transaction, name: str, users: Sequence[str], change: _Change, provenance: Provenance
    ) -> GroupState:
        if not tx.answered(provenance.command):
            group = _own_group(tx, name)
            append(tx, f"group:{group.id}", change(group, users_named(tx, users)), provenance)
        return _group(tx, name)


def _group(tx: Transaction, name: str) -> GroupState:
    return load.existing("group", name, load_groups.group(tx, name))


def _own_group(tx: Transaction, name: str) -> GroupState:
    """A group that is changed here, and not in a directory elsewhere. Raises DirectoryRefused."""
    group = _group(tx, name)
    ldap_rows.check_not_followed(tx, group.id, group.name)
    return group


def users_named(tx: Transaction, users: Sequence[str]) -> list[UserState]:
    """Existing users by name or id. Raises DirectoryRefused."""
    if not users:
        raise DirectoryRefused("invalid", "which users? `mailfold user list` shows them")
    if len(users) > groups.MEMBER_LIMIT:
        raise DirectoryRefused("invalid", f"a group has at most {groups.MEMBER_LIMIT} members")
    return [load.existing("user", name, load.user(tx, name)) for name in users]
