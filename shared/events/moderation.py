"""Events of moderated mailing lists.

The settings of a list are in its stream in the directory, `list:<id>`. What happens to a held post is in delivery, in
the stream `held:<id of the post>`, and the notices for moderators are in `moderation:<id of the list>`; the list is the
owner of all of them, so that they are in one order.
"""

from __future__ import annotations

import msgspec

from shared.events.mail import Message, RecordedCheck
from shared.eventstore.event import Event, stored


@stored("list.moderation_set")
class ListModerationSet(Event, frozen=True):
    """Which posts of a list are held for its moderators; the event has all values."""

    id: str
    moderate: str
    """`none`, `non-members`: posts of others than members, or `all`: every post except those of moderators."""
    most_posts: int
    """Posts that wait at once."""
    most_bytes: int
    """Octets of the posts that wait at once."""
    days: int
    """Days after which a held post expires."""


@stored("list.moderators_changed")
class ListModeratorsChanged(Event, frozen=True):
    """A list has other moderators."""

    id: str
    moderators: tuple[str, ...]
    """Addresses of accounts here, or elsewhere."""


@stored("moderation.held")
class PostHeld(Event, frozen=True):
    """A post waits for a moderator; the event has all that its delivery needs later."""

    post: str
    queue_id: str
    """The queue id of the mail that was held."""
    list_id: str
    list_address: str
    reverse_path: str
    message: Message
    poster: str
    """The author, as proven by a log-in or by DMARC; empty for an author who is not proven."""
    expires_at: int
    """UTC microseconds."""
    spam: bool = False
    spam_headers: bytes = b""
    submitted: bool = False
    user: str = ""
    account: str = ""
    require_tls: bool = False
    dmarc: RecordedCheck | None = None
    arc: RecordedCheck | None = None
    is_authenticated: bool = False
    """Whether a check has passed, so that copies are sealed (RFC 8617)."""


@stored("moderation.approved")
class PostApproved(Event, frozen=True):
    """A moderator approved a post; it then goes to the members as a mail of its own with the id of the post."""

    post: str
    queue_id: str
    list_id: str
    moderator: str
    """The moderator's address, or the name of the operator or user who gave the command."""
    by: str
    """`mail` or `command`."""


@stored("moderation.refused")
class PostRefused(Event, frozen=True):
    """A moderator refused a post."""

    post: str
    queue_id: str
    list_id: str
    moderator: str
    by: str
    text: str = ""
    """What a proven author is told."""


@stored("moderation.expired")
class PostExpired(Event, frozen=True):
    """No moderator decided about a post in time, or its list is gone."""

    post: str
    queue_id: str
    list_id: str
    reason: str


@stored("moderation.closed")
class PostClosed(Event, frozen=True):
    """All that follows from the decision about a post is done, and its message is no longer needed."""

    post: str
    queue_id: str
    list_id: str
    result: str
    """`distributed`, `author notified` or `nobody notified`."""


class ModeratorNotification(msgspec.Struct, frozen=True):
    """A mail for a moderator, or for an owner of a list without moderators."""

    queue_id: str
    to: str
    decides: bool
    """Whether it names the addresses for decisions."""


@stored("moderation.notice_decided")
class ModeratorsToNotify(Event, frozen=True):
    """The moderators of a list are to be notified of the posts that wait."""

    notice: str
    list_id: str
    posts: tuple[str, ...]
    """The posts that the notifications describe."""
    more: int
    """The number of further posts, which they only count."""
    notifications: tuple[ModeratorNotification, ...]


@stored("moderation.notice_sent")
class ModeratorsNotified(Event, frozen=True):
    """All notifications of a notice were accepted for delivery."""

    notice: str
    list_id: str
