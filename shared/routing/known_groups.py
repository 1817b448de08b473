"""Groups and their members from the directory's events."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import msgspec

from shared.events.groups import GroupAdded, GroupJoined, GroupLeft, GroupRemoved, GroupRenamed

GROUP_EVENTS = GroupAdded | GroupRenamed | GroupRemoved | GroupJoined | GroupLeft
GROUP_TARGET = "group:"
"""A target of an alias that begins so names a group by its id: mail goes to the first account of each member."""


class KnownGroup(msgspec.Struct, frozen=True, gc=False):
    """A group."""

    name: str
    members: tuple[str, ...] = ()
    """Ids of users."""


class KnownGroups:
    """Groups in memory. Events must be applied in order. An id that is not known has no members."""

    def __init__(self) -> None:
        self.by_id: dict[str, KnownGroup] = {}

    def apply(self, event: GROUP_EVENTS) -> None:
        """Apply one event."""
        group = self.by_id.get(event.id)
        match event:
            case GroupAdded(identity, name):
                self.by_id[identity] = KnownGroup(name)
            case GroupRemoved(identity):
                self.by_id.pop(identity, None)
            case _ if group is not None:
                self.by_id[event.id] = _changed(group, event)

    def has(self, identity: str, user: str) -> bool:
        """Whether a user is a member of the group with this id."""
        group = self.by_id.get(identity)
        return group is not None and _is_in(user, group.members)

    def of(self, user: str) -> Iterator[str]:
        """The ids of the groups of which a user is a member; every group is looked at, for less than a microsecond."""
        return (identity for identity, group in self.by_id.items() if _is_in(user, group.members))

    def members(self, identity: str) -> tuple[str, ...]:
        """The ids of the members, in the order of their ids; none of a group that is not known."""
        group = self.by_id.get(identity)
        return group.members if group is not None else ()


def _is_in(user: str, members: tuple[str, ...]) -> bool:
    """Whether a user is among members, which are in order."""
    place = bisect_left(members, user)
    return place < len(members) and members[place] == user


def group_of(target: str) -> str:
    """The id of the group that a target of an alias names; empty for an address."""
    return target.removeprefix(GROUP_TARGET) if target.startswith(GROUP_TARGET) else ""


def _changed(group: KnownGroup, event: GROUP_EVENTS) -> KnownGroup:
    change = msgspec.structs.replace
    match event:
        case GroupRenamed(name=name):
            return change(group, name=name)
        case GroupJoined(user=user):
            return change(group, members=tuple(sorted({*group.members, user})))
        case GroupLeft(user=user):
            return change(group, members=tuple(member for member in group.members if member != user))
        case _:
            return group
