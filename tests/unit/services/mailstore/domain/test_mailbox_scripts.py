"""What a script of a mailbox decides, and which flags a STORE has changed."""

from __future__ import annotations

import pytest

from services.mailstore.domain.flags import Flags, parse
from services.mailstore.domain.mailbox_scripts import (
    MessageDecision,
    changed_flags,
    decision_of,
    due_after_flags,
    kept_after_all,
)
from services.mailstore.domain.state import FlagRun
from shared.protocol.sieve.actions import (
    DiscardAction,
    FileIntoAction,
    KeepAction,
    MessageEdits,
    NotifyAction,
    RedirectAction,
    SieveAction,
)
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome

KEEP, FILE, DISCARD = KeepAction(implicit=True, flags=("$A",)), FileIntoAction("Club"), DiscardAction()
REDIRECT, NOTIFY = RedirectAction("bob@example.net"), NotifyAction("mailto:ann@example.org", "")


@pytest.mark.parametrize(
    ("actions", "keeps", "copies", "sends"),
    [
        ((KEEP,), True, 0, 0),
        ((FILE,), False, 1, 0),
        ((FILE, KEEP), True, 1, 0),
        ((DISCARD,), False, 0, 0),
        ((DISCARD, KEEP), True, 0, 0),
        ((REDIRECT,), False, 0, 1),
        ((REDIRECT, NOTIFY, KEEP), True, 0, 2),
        ((NOTIFY, KEEP), True, 0, 1),
    ],
)
def test_the_original_stays_only_when_it_is_kept(
    actions: tuple[SieveAction, ...], keeps: bool, copies: int, sends: int
) -> None:
    decision = decision_of(ScriptOutcome(actions))
    assert (decision.keeps, len(decision.copies), len(decision.sends)) == (keeps, copies, sends)
    assert decision.flags == (("$A",) if KEEP in actions else None)


def test_edits_never_reach_a_stored_message_and_a_failure_changes_nothing() -> None:
    edited = KeepAction(flags=("$A",), edits=MessageEdits(top=(b"X-A: 1\r\n",)))
    assert decision_of(ScriptOutcome((edited,))) == MessageDecision(True, ("$A",))
    failed = decision_of(ScriptOutcome((KEEP,), failure=ScriptFailure(3, "no envelope", abandoned=(FILE,))))
    assert (failed.is_idle, failed.failure) == (True, "line 3: no envelope")


def test_a_refused_redirect_keeps_the_message_unless_it_is_filed() -> None:
    assert kept_after_all(decision_of(ScriptOutcome((REDIRECT,))), "too many").keeps
    assert not kept_after_all(decision_of(ScriptOutcome((FILE, REDIRECT))), "too many").keeps
    assert not kept_after_all(decision_of(ScriptOutcome((DISCARD, NOTIFY))), "too many").keeps


def test_changed_flags_are_those_set_or_taken_away() -> None:
    before, after = parse(["\\Seen", "\\Flagged", "Work"]), parse(["\\Flagged", "\\Deleted", "work", "new"])
    assert changed_flags(before, after) == ("\\Deleted", "\\Seen", "new")


def test_messages_with_the_same_changes_are_one_event() -> None:
    runs = [
        FlagRun(1, 3, Flags(), False),
        FlagRun(4, 4, parse(["\\Seen"]), False),
        FlagRun(5, 6, Flags(), False),
        FlagRun(7, 7, Flags(), True),  # refused by UNCHANGEDSINCE
    ]
    events = due_after_flags("a1", "b1", runs, "replace", parse(["$New"]))
    assert [(event.changed_flags, event.uids) for event in events] == [
        (("$New",), ((1, 3), (5, 6))),
        (("$New", "\\Seen"), ((4, 4),)),
    ]
    assert due_after_flags("a1", "b1", runs, "remove", parse(["$New"])) == []


def test_groups_that_become_alike_are_joined_and_lose_no_message() -> None:
    """The last group takes the flags of all further ones, which may be those of a group that is there."""
    flags = [["a", "b"], *([f"k{number}"] for number in range(18)), ["a"], ["b"], ["c"]]
    runs = [FlagRun(uid, uid, parse(names), False) for uid, names in enumerate(flags, 1)]
    events = due_after_flags("a1", "b1", runs, "replace", Flags())
    covered = [uid for event in events for first, last in event.uids for uid in range(first, last + 1)]
    assert sorted(covered) == list(range(1, len(flags) + 1))
    assert next(event for event in events if event.uids == ((1, 1), (20, 21))).changed_flags == ("a", "b")
