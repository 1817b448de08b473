"""Lines about the posts that wait for moderators of mailing lists."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.texts import moment
from mailfold.trace.names import Names
from shared.events import moderation


def moderation_set(event: moderation.ListModerationSet, _names: Names) -> Iterator[str]:
    """Which posts of a list wait."""
    yield (
        f"posts of list {event.id} wait for moderators: {event.moderate}; at most {event.most_posts} posts and "
        f"{event.most_bytes} octets, for {event.days} day(s)"
    )


def moderators_changed(event: moderation.ListModeratorsChanged, _names: Names) -> Iterator[str]:
    """The moderators of a list."""
    yield f"list {event.id} has the moderators {', '.join(event.moderators) or 'nobody'}"


def held(event: moderation.PostHeld, _names: Names) -> Iterator[str]:
    """A post that waits."""
    proven = f"its author {event.poster} is proven" if event.poster else "its author is not proven"
    until = moment(event.expires_at)
    yield f"post {event.post} to {event.list_address} is held for a moderator until {until}; {proven}"


def approved(event: moderation.PostApproved, _names: Names) -> Iterator[str]:
    """A post that goes to the members."""
    yield f"post {event.post} was approved by {event.moderator} ({event.by}); it is delivered with this id"


def refused(event: moderation.PostRefused, _names: Names) -> Iterator[str]:
    """A post that does not go to the members."""
    text = f": {event.text}" if event.text else ""
    yield f"post {event.post} was refused by {event.moderator} ({event.by}){text}"


def expired(event: moderation.PostExpired, _names: Names) -> Iterator[str]:
    """A post that waited too long."""
    yield f"post {event.post} has expired: {event.reason}"


def closed(event: moderation.PostClosed, _names: Names) -> Iterator[str]:
    """All is done for a post."""
    yield f"post {event.post} is done: {event.result}"


def to_notify(event: moderation.ModeratorsToNotify, _names: Names) -> Iterator[str]:
    """Moderators get a notification."""
    people = ", ".join(f"{mail.to} ({mail.queue_id})" for mail in event.notifications)
    more = f" and {event.more} more" if event.more else ""
    yield f"moderators are notified of {', '.join(event.posts)}{more}: {people}"


def notified(event: moderation.ModeratorsNotified, _names: Names) -> Iterator[str]:
    """The notifications were accepted."""
    yield f"the notifications {event.notice} were accepted for delivery"
