"""Changes of what an object has many of: members of groups and lists, grants, patterns of blocked senders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.events.groups import GroupJoined, GroupLeft
from shared.events.lists import ListMembersJoined, ListMembersLeft, ListMemberSwitched
from shared.events.send_as import SendAsGranted, SendAsRevoked
from shared.eventstore.event import Event

MEMBERS, PAUSED, GRANTS = "members", "paused", "may send as"


class ElementChange(NamedTuple):
    """What was added and what was removed, by ids."""

    what: str
    """What they are, such as `members`."""
    added: Mapping[str, str]
    """Texts for people, by id."""
    removed: tuple[str, ...] = ()


class ElementTrack:
    """The elements of an object, followed from event to event."""

    def __init__(self) -> None:
        self.present: dict[tuple[str, str], tuple[str, int]] = {}
        """The text, and the position of the event that added it, by what it is and its id."""
        self.mark = 0
        """A number that is the same whenever the elements are."""

    def apply(self, change: ElementChange, position: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Follow a change; returns the texts of what was removed and of what was added."""
        removed = tuple(self._remove(change.what, identity) for identity in change.removed)
        if change.what == MEMBERS:
            for identity in change.removed:
                self._remove(PAUSED, identity)
        for identity, text in change.added.items():
            self._remove(change.what, identity)
            shown = self.present.get((MEMBERS, identity), (text, 0))[0] if change.what == PAUSED else text
            self.present[change.what, identity] = (shown, position)
            self.mark ^= hash((change.what, identity))
        return removed, tuple(self.present[change.what, identity][0] for identity in change.added)

    def clear(self) -> None:
        """The object is gone, or begins."""
        self.present, self.mark = {}, 0

    def _remove(self, what: str, identity: str) -> str:
        known = self.present.pop((what, identity), None)
        if known is not None:
            self.mark ^= hash((what, identity))
            return known[0]
        return self.present.get((MEMBERS, identity), (identity, 0))[0]


def element_change(event: Event) -> ElementChange | None:
    """The change of elements that an event is; None for other events."""
    change = _CHANGES.get(type(event))
    return None if change is None else change(event)


def _switched(event: ListMemberSwitched) -> ElementChange:
    return ElementChange(PAUSED, {event.member: event.member}) if event.paused else _gone(PAUSED, event.member)


def _gone(what: str, *identities: str) -> ElementChange:
    return ElementChange(what, {}, identities)


_CHANGES: Mapping[type[Event], Callable[[Any], ElementChange]] = {
    GroupJoined: lambda event: ElementChange(MEMBERS, {event.user: event.user}),
    GroupLeft: lambda event: _gone(MEMBERS, event.user),
    ListMembersJoined: lambda event: ElementChange(MEMBERS, {member.id: member.address for member in event.members}),
    ListMembersLeft: lambda event: _gone(MEMBERS, *event.members),
    ListMemberSwitched: _switched,
    SendAsGranted: lambda event: ElementChange(GRANTS, {event.account: event.account}),
    SendAsRevoked: lambda event: _gone(GRANTS, event.account),
    BlockingEntriesAdded: lambda event: ElementChange(event.list, {pattern: pattern for pattern in event.patterns}),
    BlockingEntriesRemoved: lambda event: _gone(event.list, *event.patterns),
}
