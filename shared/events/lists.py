"""Events of mailing lists, in the stream `list:<id>` of the directory."""

from __future__ import annotations

import msgspec

from shared.eventstore.event import Event, stored


class JoinedMember(msgspec.Struct, frozen=True):
    """A new member; its id is never used again, whoever has the address later."""

    id: str
    address: str


@stored("list.added")
class ListAdded(Event, frozen=True):
    """A mailing list was added."""

    id: str
    address: str
    owners: tuple[str, ...]
    """The addresses that get the mail for its owners."""
    description: str = ""


@stored("list.changed")
class ListChanged(Event, frozen=True):
    """Values of a list were changed; the event has all of them."""

    id: str
    description: str
    members_only: bool
    """Whether only members may post."""
    skip_recipients: bool
    """Whether a member gets no copy who gets the message directly by the same delivery."""
    rewrite_author: bool
    """Whether From is rewritten when the DMARC policy of the author's domain demands it."""
    disabled: bool


@stored("list.owners_changed")
class ListOwnersChanged(Event, frozen=True):
    """A list has other owners."""

    id: str
    owners: tuple[str, ...]


@stored("list.removed")
class ListRemoved(Event, frozen=True):
    """A list was removed with its members."""

    id: str
    address: str


@stored("list.members_joined")
class ListMembersJoined(Event, frozen=True):
    """Members joined a list."""

    id: str
    members: tuple[JoinedMember, ...]


@stored("list.members_left")
class ListMembersLeft(Event, frozen=True):
    """Members left a list, or were removed from it."""

    id: str
    members: tuple[str, ...]
    """Ids of members."""


@stored("list.member_bounced")
class ListMemberBounced(Event, frozen=True):
    """A post could not be delivered to a member, and this counts."""

    id: str
    member: str
    day: int
    """Days since 1970-01-01 in UTC."""
    status: str
    """RFC 3463."""
    queue_id: str
    bounces: int
    """The number of bounces that count now."""


@stored("list.member_switched")
class ListMemberSwitched(Event, frozen=True):
    """A member gets no posts for now, because they come back or by command, or it gets them again."""

    id: str
    member: str
    paused: bool
