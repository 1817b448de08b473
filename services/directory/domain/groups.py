"""Decisions on groups: from a command and the present state to events, or to a refusal that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.directory.domain.state import DirectoryRefused, UserState
from shared.events.groups import GroupAdded, GroupJoined, GroupLeft, GroupRemoved, GroupRenamed
from shared.eventstore.event import Event
from shared.routing.known_groups import GROUP_TARGET

MEMBER_LIMIT = 500
_MOST_SHOWN = 5


class GroupState(msgspec.Struct, frozen=True):
    """A group of users."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    """Ids of users."""
    member_names: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    """The addresses of the group's accounts."""
    aliases: tuple[str, ...] = ()
    """The addresses of the aliases whose mail goes to the members."""


def add_group(existing: GroupState | None, identity: str, name: str, users: Sequence[UserState]) -> list[Event]:
    """Add a group with its first members."""
    _check_free(existing)
    return [GroupAdded(identity, name), *join_group(GroupState(identity, name), users)]


def rename_group(group: GroupState, existing: GroupState | None, name: str) -> list[Event]:
    """Give a group another name; what refers to it stays."""
    if existing is not None and existing.id != group.id:
        _check_free(existing)
    return [] if name == group.name else [GroupRenamed(group.id, name, group.name)]


def remove_group(group: GroupState) -> list[Event]:
    """Remove a group; only when it owns no account and no alias sends mail to its members."""
    if group.accounts:
        raise DirectoryRefused(
            "not-empty",
            f"{group.name} still owns {_some(group.accounts)}: remove the account(s) first (`mailfold account remove`)",
        )
    if group.aliases:
        raise DirectoryRefused(
            "not-empty",
            f"{_some(group.aliases)} still sends mail to {GROUP_TARGET}{group.name}: give it other targets first "
            f"(`mailfold alias targets`)",
        )
    return [GroupRemoved(group.id, group.name)]


def join_group(group: GroupState, users: Sequence[UserState]) -> list[Event]:
    """Make users members; those who are members stay so."""
    new = {user.id: user for user in users if user.id not in group.members}
    if len(group.members) + len(new) > MEMBER_LIMIT:
        raise DirectoryRefused("invalid", f"a group has at most {MEMBER_LIMIT} members")
    return [GroupJoined(group.id, user) for user in new]


def leave_group(group: GroupState, users: Sequence[UserState]) -> list[Event]:
    """End the membership of users; their log-ins at the group's accounts end with it."""
    strangers = [user.name for user in users if user.id not in group.members]
    if strangers:
        raise DirectoryRefused("missing", f"{_some(strangers)} is not a member of {group.name}")
    return [GroupLeft(group.id, user) for user in dict.fromkeys(user.id for user in users)]


def _check_free(existing: GroupState | None) -> None:
    if existing is not None:
        raise DirectoryRefused(
            "taken", f"the group {existing.name} is there already: `mailfold group show {existing.name}`"
        )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
