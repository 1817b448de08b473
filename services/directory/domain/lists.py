"""Decisions on mailing lists: from a command and the present state to events, or to a refusal that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.directory.domain.decide import check_free
from services.directory.domain.state import DirectoryRefused
from shared.events.lists import (
    JoinedMember,
    ListAdded,
    ListChanged,
    ListMemberBounced,
    ListMembersJoined,
    ListMembersLeft,
    ListMemberSwitched,
    ListOwnersChanged,
    ListRemoved,
)
from shared.eventstore.event import Event
from shared.protocol.address.address import Address

MEMBER_LIMIT = 10_000
"""Members of a list: each post is as many deliveries."""
JOIN_LIMIT = 1_000
"""Members in one command, which is one event."""
OWNERS_LIMIT = 20
DESCRIPTION_LIMIT = 200
BOUNCES_TO_PAUSE = 4
"""Days with a permanent failure after which a member is paused. Each comes from another post."""
FORGIVING_DAYS = 14
"""Days without a failure after which earlier ones no longer count."""


class ListState(msgspec.Struct, frozen=True):
    """A mailing list."""

    id: str
    address: str
    owners: tuple[str, ...]
    description: str = ""
    members_only: bool = True
    skip_recipients: bool = False
    rewrite_author: bool = False
    disabled: bool = False
    members: int = 0
    paused: int = 0


class MemberState(msgspec.Struct, frozen=True):
    """A member of a list."""

    id: str
    address: str
    paused: bool = False
    bounces: int = 0
    bounced_on: int = 0
    """The day of the last bounce that counts, since 1970-01-01 in UTC."""
    last_post: str = ""
    """The queue id of that bounce."""
    last_status: str = ""
    group: str = ""
    """The id of the group of which the people get the posts; empty for an address."""


class Membership(msgspec.Struct, frozen=True):
    """What the proven author of a message is to a list."""

    may_post: bool
    is_member: bool
    """Whether the author is a member, also of a list in the list or through a group."""
    may_leave: bool
    """Whether the author is a member by an address of its own."""


class ListChanges(msgspec.Struct, frozen=True):
    """What an operator asks a list to be; None leaves a value as it is."""

    owners: tuple[Address, ...] | None = None
    description: str | None = None
    members_only: bool | None = None
    skip_recipients: bool | None = None
    rewrite_author: bool | None = None
    disabled: bool | None = None


class Bounce(msgspec.Struct, frozen=True):
    """A post that came back from a member."""

    status: str
    """RFC 3463."""
    queue_id: str
    day: int
    """Days since 1970-01-01 in UTC."""


def add_list(
    holder: str, ours: bool, identity: str, address: Address, owners: Sequence[Address], description: str
) -> list[Event]:
    """Add a list. `holder` says what holds its address, or one of its service addresses; empty: nothing does."""
    check_free(holder, ours, address)
    _check_owners(owners)
    _check_description(description)
    return [ListAdded(identity, str(address), tuple(map(str, owners)), description)]


def change_list(state: ListState, changes: ListChanges) -> list[Event]:
    """Change a list; no event when nothing changes."""
    events: list[Event] = []
    present, desired = _values_of(state), _values_of(state, changes)
    if desired != present:
        _check_description(desired.description)
        events.append(desired)
    if changes.owners is not None and tuple(map(str, changes.owners)) != state.owners:
        _check_owners(changes.owners)
        events.append(ListOwnersChanged(state.id, tuple(map(str, changes.owners))))
    return events


def _values_of(state: ListState, changes: ListChanges | None = None) -> ListChanged:
    """The values of a list, as they are or as they would be with the changes."""

    def value(name: str) -> Any:
        asked = getattr(changes, name) if changes is not None else None
        return getattr(state, name) if asked is None else asked

    return ListChanged(
        state.id,
        value("description"),
        value("members_only"),
        value("skip_recipients"),
        value("rewrite_author"),
        value("disabled"),
    )


def remove_list(state: ListState) -> list[Event]:
    """Remove a list and its members; later mail to it bounces."""
    return [ListRemoved(state.id, state.address)]


def join(state: ListState, members: Sequence[JoinedMember]) -> list[Event]:
    """Add members, who are none yet."""
    if len(members) > JOIN_LIMIT:
        raise DirectoryRefused("invalid", f"at most {JOIN_LIMIT} members join at once")
    if state.members + len(members) > MEMBER_LIMIT:
        raise DirectoryRefused("invalid", f"a list has at most {MEMBER_LIMIT} members; {state.address} would have more")
    return [ListMembersJoined(state.id, tuple(members))] if members else []


def leave(state: ListState, members: Sequence[MemberState]) -> list[Event]:
    """Remove members."""
    return [ListMembersLeft(state.id, tuple(member.id for member in members))] if members else []


def switch_member(state: ListState, member: MemberState, *, paused: bool) -> list[Event]:
    """Pause a member, or send posts to it again; no event when nothing changes."""
    return [] if member.paused == paused and not member.bounces else [ListMemberSwitched(state.id, member.id, paused)]


def count_bounce(state: ListState, member: MemberState, bounce: Bounce) -> list[Event]:
    """Count a bounce, and pause the member after several.

    Only a permanent failure counts, and not one for reasons of policy or security (5.7.x): a spam, or a post of an
    author whose domain rejects it, is refused by all strict receivers. A day and a post count once. A group is not
    paused because of one of its people.
    """
    if member.paused or member.group or not _is_of_member(bounce.status):
        return []
    if bounce.day <= member.bounced_on or bounce.queue_id == member.last_post:
        return []
    before = member.bounces if bounce.day - member.bounced_on <= FORGIVING_DAYS else 0
    count = before + 1
    events: list[Event] = [
        ListMemberBounced(state.id, member.id, bounce.day, bounce.status, bounce.queue_id, count),
    ]
    if count >= BOUNCES_TO_PAUSE:
        events.append(ListMemberSwitched(state.id, member.id, True))
    return events


def _is_of_member(status: str) -> bool:
    """Whether a status says that the member's address itself fails for good."""
    return status.startswith("5.") and not status.startswith("5.7.")


def _check_owners(owners: Sequence[Address]) -> None:
    if not owners:
        raise DirectoryRefused("invalid", "a list needs an owner, who answers its people: --owner ann@example.org")
    if len(owners) > OWNERS_LIMIT:
        raise DirectoryRefused("invalid", f"a list has at most {OWNERS_LIMIT} owners")


def _check_description(text: str) -> None:
    if len(text) > DESCRIPTION_LIMIT or not text.isprintable():
        raise DirectoryRefused("invalid", f"a description has at most {DESCRIPTION_LIMIT} printable characters")
