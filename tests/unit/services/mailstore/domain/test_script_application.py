"""From what a script decides to what is done with stored messages."""

from __future__ import annotations

import pytest

from services.mailstore.domain.flags import Flags, parse
from services.mailstore.domain.script_application import (
    Decided,
    Filing,
    FilingPlace,
    affordable,
    counted,
    filing_of,
    grouped,
    left_out,
    together,
    undone_together,
)
from shared.events.applying import ApplicationCounts, ScriptError, UndoCounts
from shared.protocol.sieve.actions import (
    DiscardAction,
    ErejectAction,
    FileIntoAction,
    KeepAction,
    MessageEdits,
    NotifyAction,
    RedirectAction,
    RejectAction,
    SieveAction,
    TrackDuplicateAction,
    VacationAction,
)
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome

SEEN, NONE = parse(["\\Seen"]), Flags()
AWAY = VacationAction("x@example.net", "away", "Auto: hello", "m", 604_800)


def place(name: str, flags: Flags = NONE) -> FilingPlace:
    return FilingPlace(name, "", "", False, flags)


@pytest.mark.parametrize(
    ("actions", "filing"),
    [
        ([KeepAction(implicit=True, flags=("\\Seen",))], Filing(True, SEEN)),
        ([KeepAction(flags=("a",))], Filing(True, parse(["a"]))),
        ([FileIntoAction("A", ("\\Seen",))], Filing(False, SEEN, (place("A", SEEN),))),
        ([FileIntoAction("A"), FileIntoAction("B")], Filing(False, SEEN, (place("A"), place("B")))),
        ([FileIntoAction("A"), KeepAction()], Filing(True, NONE, (place("A"),))),
        ([FileIntoAction("A", copy=True)], Filing(True, SEEN, (place("A"),))),
        ([FileIntoAction("A", copy=True), DiscardAction()], Filing(False, SEEN, (place("A"),))),
        ([FileIntoAction("A"), DiscardAction()], Filing(False, SEEN, (place("A"),))),
        ([DiscardAction()], Filing(False, SEEN, (), True)),
        ([DiscardAction(), KeepAction(flags=("\\Seen",))], Filing(True, SEEN)),
    ],
)
def test_messages_stay_are_filed_or_go_to_trash(actions: list[SieveAction], filing: Filing) -> None:
    assert filing_of(ScriptOutcome(tuple(actions)), SEEN) == filing


@pytest.mark.parametrize(
    "action",
    [RedirectAction("x@example.net"), RejectAction("no"), ErejectAction("no")],
    ids=["redirect", "reject", "ereject"],
)
def test_an_action_that_is_left_out_leaves_the_message_in_place(action: SieveAction) -> None:
    assert filing_of(ScriptOutcome((action,)), SEEN) == Filing(True, SEEN)
    both = ScriptOutcome((action, DiscardAction()))
    assert filing_of(both, SEEN) == Filing(True, SEEN), "nothing took its place"
    filed = ScriptOutcome((action, FileIntoAction("A")))
    assert filing_of(filed, SEEN) == Filing(False, SEEN, (place("A"),)), "it is moved, and not copied"


def test_a_script_that_fails_leaves_the_message_as_it_is() -> None:
    failed = ScriptOutcome((KeepAction(implicit=True),), failure=ScriptFailure(3, "no", "", (FileIntoAction("A"),)))
    assert filing_of(failed, SEEN) == Filing(True, SEEN)


def test_what_is_left_out_is_counted_by_kind() -> None:
    actions = (RedirectAction("x@example.net", copy=True), NotifyAction("mailto:x", ""), AWAY, KeepAction())
    edits = MessageEdits(deleted=(1,))
    kinds = left_out(ScriptOutcome((*actions, TrackDuplicateAction("memory")), edits=edits))
    assert kinds == ("redirect", "notify", "vacation", "edits of the message")
    decided = [Decided(uid, 1, 10, NONE, Filing(True, NONE), ("redirect",) * uid, work=5) for uid in (1, 2)]
    assert counted(decided) == ApplicationCounts(examined=2, left_out={"redirect": 3}, work=10)


def test_messages_with_the_same_outcome_are_together() -> None:
    moves = Filing(False, NONE, (place("A"),))
    decided = [
        Decided(1, 1, 10, NONE, moves),
        Decided(2, 1, 20, NONE, Filing(True, NONE)),
        Decided(3, 1, 30, NONE, moves),
        Decided(4, 1, 40, NONE, moves),
        Decided(5, 1, 50, SEEN, moves),
    ]
    groups = grouped(decided)
    assert [(group.uids, group.size, group.before) for group in groups] == [
        (((1, 1), (3, 4)), 80, NONE),
        (((2, 2),), 20, NONE),
        (((5, 5),), 50, SEEN),
    ]
    assert [message.changes for message in decided] == [True, False, True, True, True]


def test_a_unit_of_work_takes_so_many_copies_and_always_one_message() -> None:
    four = Filing(True, NONE, tuple(place(name) for name in "ABCD"))
    decided = [Decided(uid, 1, 10, NONE, four) for uid in range(1, 6)]
    assert [affordable(decided, most) for most in (1, 5, 10, 14, 25, 100)] == [1, 1, 2, 2, 5, 5]


def test_counts_add_up() -> None:
    first = ApplicationCounts(2, 1, failed=1, left_out={"redirect": 1})
    second = ApplicationCounts(3, 3, left_out={"redirect": 2, "notify": 1})
    assert together(first, second) == ApplicationCounts(5, 4, failed=1, left_out={"notify": 1, "redirect": 3})
    assert undone_together(UndoCounts(1, 2), UndoCounts(3, 4, 5)) == UndoCounts(4, 6, 5)
    failed = [Decided(1, 1, 10, NONE, Filing(True, NONE), error=ScriptError(1, "no"))]
    assert counted(failed) == ApplicationCounts(examined=1, failed=1)
