"""Decisions on moderated lists: their settings, their moderators, and what becomes of a post."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from services.directory.domain.state import DirectoryRefused
from shared.events.moderation import ListModerationSet, ListModeratorsChanged
from shared.eventstore.event import Event

MODERATORS_LIMIT = 20
MOST_POSTS = 100
MOST_POSTS_LIMIT = 1_000
MOST_BYTES = 50_000_000
MOST_BYTES_LIMIT = 1_000_000_000
KEPT_DAYS = 7
KEPT_DAYS_LIMIT = 30
"""The address with which a moderator decides is valid for longer than any post waits."""


class Moderate(StrEnum):
    """Which posts are held. The values are stored in events and used in the contract."""

    NONE = "none"
    NON_MEMBERS = "non-members"
    ALL = "all"


class ModerationState(msgspec.Struct, frozen=True):
    """The moderation of a list."""

    list_id: str
    moderate: Moderate = Moderate.NONE
    moderators: tuple[str, ...] = ()
    most_posts: int = MOST_POSTS
    most_bytes: int = MOST_BYTES
    days: int = KEPT_DAYS


class ModerationChanges(msgspec.Struct, frozen=True):
    """What an operator asks for; None leaves a value as it is."""

    moderate: str | None = None
    most_posts: int | None = None
    most_bytes: int | None = None
    days: int | None = None


class Judgement(msgspec.Struct, frozen=True):
    """What becomes of a post."""

    allowed: bool
    held: bool = False


def set_moderation(state: ModerationState, changes: ModerationChanges, moderators: Sequence[str] | None) -> list[Event]:
    """Change the moderation of a list; no event for what stays. Raises DirectoryRefused."""
    desired = _desired(state, changes)
    named = state.moderators if moderators is None else tuple(moderators)
    if len(named) > MODERATORS_LIMIT:
        raise DirectoryRefused("invalid", f"a list has at most {MODERATORS_LIMIT} moderators")
    if desired.moderate is not Moderate.NONE and not named:
        raise DirectoryRefused(
            "invalid",
            "a moderated list needs a moderator: `mailfold list moderators LIST ADDRESS`; or set `--moderate none`",
        )
    events: list[Event] = []
    if named != state.moderators:
        events.append(ListModeratorsChanged(state.list_id, named))
    if desired != state:
        events.append(
            ListModerationSet(
                state.list_id, desired.moderate.value, desired.most_posts, desired.most_bytes, desired.days
            )
        )
    return events


def judge(moderate: Moderate, *, members_only: bool, is_member: bool, is_moderator: bool) -> Judgement:
    """What becomes of a post.

    `non-members` takes the place of the refusal of other posters: their posts wait. `all` holds the posts of whoever
    may post.
    """
    may_post = is_member or not members_only
    match moderate:
        case Moderate.NONE:
            return Judgement(may_post)
        case Moderate.NON_MEMBERS:
            return Judgement(allowed=True, held=not (is_member or is_moderator))
        case Moderate.ALL:
            return Judgement(allowed=may_post or is_moderator, held=not is_moderator)


def _desired(state: ModerationState, changes: ModerationChanges) -> ModerationState:
    try:
        moderate = state.moderate if changes.moderate is None else Moderate(changes.moderate)
    except ValueError as error:
        raise DirectoryRefused("invalid", f"posts are moderated as {', '.join(Moderate)}") from error
    return msgspec.structs.replace(
        state,
        moderate=moderate,
        most_posts=_within("posts", changes.most_posts, state.most_posts, MOST_POSTS_LIMIT),
        most_bytes=_within("octets", changes.most_bytes, state.most_bytes, MOST_BYTES_LIMIT),
        days=_within("days", changes.days, state.days, KEPT_DAYS_LIMIT),
    )


def _within(what: str, asked: int | None, present: int, most: int) -> int:
    if asked is None:
        return present
    if not 1 <= asked <= most:
        raise DirectoryRefused("invalid", f"posts wait within 1 to {most} {what}")
    return asked
