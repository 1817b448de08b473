"""Decisions on moderated lists."""

from __future__ import annotations

import pytest

from services.directory.domain.moderators import (
    Judgement,
    Moderate,
    ModerationChanges,
    ModerationState,
    judge,
    set_moderation,
)
from services.directory.domain.state import DirectoryRefused
from shared.events.moderation import ListModerationSet, ListModeratorsChanged

ANN = ("ann@example.org",)
POSTS, WAITS, REFUSED = Judgement(allowed=True), Judgement(allowed=True, held=True), Judgement(allowed=False)


@pytest.mark.parametrize(
    ("moderate", "members_only", "stranger", "member", "moderator"),
    [
        (Moderate.NONE, True, REFUSED, POSTS, REFUSED),
        (Moderate.NONE, False, POSTS, POSTS, POSTS),
        (Moderate.NON_MEMBERS, True, WAITS, POSTS, POSTS),
        (Moderate.NON_MEMBERS, False, WAITS, POSTS, POSTS),
        (Moderate.ALL, True, REFUSED, WAITS, POSTS),
        (Moderate.ALL, False, WAITS, WAITS, POSTS),
    ],
)
def test_who_posts_without_moderation(
    moderate: Moderate, members_only: bool, stranger: Judgement, member: Judgement, moderator: Judgement
) -> None:
    def of(*, is_member: bool, is_moderator: bool) -> Judgement:
        judged = judge(moderate, members_only=members_only, is_member=is_member, is_moderator=is_moderator)
        return judged if judged.allowed else REFUSED

    assert of(is_member=False, is_moderator=False) == stranger
    assert of(is_member=True, is_moderator=False) == member
    assert of(is_member=False, is_moderator=True) == moderator


def test_a_change_is_an_event_and_what_stays_is_none() -> None:
    events = set_moderation(ModerationState("i1"), ModerationChanges(moderate="all", days=3), ANN)
    assert events == [ListModeratorsChanged("i1", ANN), ListModerationSet("i1", "all", 100, 50_000_000, 3)]
    present = ModerationState("i1", Moderate.ALL, ANN, days=3)
    assert set_moderation(present, ModerationChanges(moderate="all", days=3), ANN) == []
    assert set_moderation(present, ModerationChanges(moderate="none"), ()) == [
        ListModeratorsChanged("i1", ()),
        ListModerationSet("i1", "none", 100, 50_000_000, 3),
    ]


@pytest.mark.parametrize(
    ("changes", "moderators"),
    [
        (ModerationChanges(moderate="all"), None),
        (ModerationChanges(moderate="some"), ANN),
        (ModerationChanges(most_posts=1_001), ANN),
        (ModerationChanges(most_posts=0), ANN),
        (ModerationChanges(most_bytes=1_000_000_001), ANN),
        (ModerationChanges(days=31), ANN),
        (ModerationChanges(), tuple(f"m{number}@example.org" for number in range(21))),
    ],
)
def test_what_has_no_sense_or_no_bound_is_refused(changes: ModerationChanges, moderators: tuple[str, ...]) -> None:
    with pytest.raises(DirectoryRefused):
        set_moderation(ModerationState("i1"), changes, moderators)


def test_the_last_moderator_of_a_moderated_list_stays() -> None:
    with pytest.raises(DirectoryRefused, match="needs a moderator"):
        set_moderation(ModerationState("i1", Moderate.ALL, ANN), ModerationChanges(), ())
