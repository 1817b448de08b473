"""Events of groups of users, whose streams are `group:<id>`, and of what is known about a user (`user:<id>`)."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("group.added")
class GroupAdded(Event, frozen=True):
    """A group was added; it has no members yet."""

    id: str
    name: str


@stored("group.renamed")
class GroupRenamed(Event, frozen=True):
    """A group has another name. Aliases and accounts refer to its id and stay its own."""

    id: str
    name: str
    previous: str


@stored("group.removed")
class GroupRemoved(Event, frozen=True):
    """A group was removed. A later group with the same name has another id and inherits nothing."""

    id: str
    name: str


@stored("group.joined")
class GroupJoined(Event, frozen=True):
    """A user became a member of a group: the user may open its accounts and send as them."""

    id: str
    user: str


@stored("group.left")
class GroupLeft(Event, frozen=True):
    """A user is no longer a member of a group: the user's log-ins at its accounts end."""

    id: str
    user: str


@stored("user.profile_changed")
class UserProfileChanged(Event, frozen=True):
    """The display name, language or time zone of a user changed; an empty text is none."""

    id: str
    display_name: str
    language: str
    """A language tag (RFC 5646) in its canonical case."""
    time_zone: str
    """A name of the IANA time zone database."""
