"""The steps of an account: one copy for each mailbox, spam that nobody has decided about, and nothing lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.delivery.domain.account_runs import AccountRun, AccountTarget
from services.delivery.domain.outward import NOTHING_LEAVES, LocalRedirect, OutwardPlan
from services.delivery.domain.script_chain import ChainState, FailedScript, MessageForm, ScriptDecision
from services.delivery.domain.script_steps import FILE_SPAM, JUNK, MailboxKey, kept, run_of
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.protocol.sieve.actions import DiscardAction, FileIntoAction, KeepAction, SieveAction
from shared.protocol.sieve.outcome import ScriptFailure
from shared.routing.resolution import Target

GOT = AccountTarget(Recipient("ann+x@example.org"), Target("ann@example.org", "a1", 1000, quota_messages=7), "")
IMPLICIT = KeepAction(implicit=True)


def run(
    actions: Sequence[SieveAction],
    keep: KeepAction | None = None,
    *,
    outward: OutwardPlan = NOTHING_LEAVES,
    is_spam: bool = False,
    names: dict[str, str] | None = None,
    form: MessageForm | None = None,
) -> AccountRun:
    """The steps of actions; `names` are the mailboxes that names mean, if not those of the same name."""
    form = form or MessageForm()
    decisions = tuple(ScriptDecision(action, form, 'script "main"') for action in actions)
    state = ChainState(decisions, None if keep is None else ScriptDecision(keep, form, 'script "main"'))
    known = {
        MailboxKey(action.mailbox, action.mailbox_id, action.special_use): (names or {}).get(
            action.mailbox, action.mailbox
        )
        for action in actions
        if isinstance(action, FileIntoAction)
    }
    return run_of(GOT, state, {**known, MailboxKey("", "", JUNK): "Spam"}, outward, is_spam=is_spam)


def copies(made: AccountRun) -> list[tuple[str, str, bool]]:
    return [(step.action, step.mailbox, step.spam) for step in made.steps]


def test_a_copy_has_what_the_script_says_and_the_quota_of_the_account() -> None:
    action = FileIntoAction("Work", ("\\Seen", "work"), True, False, "M1", "\\Archive", line=3)
    (step,) = run([action]).steps
    assert step == Step(
        "ann+x@example.org",
        0,
        "store",
        account="a1",
        address="ann@example.org",
        mailbox="Work",
        flags=("\\Seen", "work"),
        quota_bytes=1000,
        quota_messages=7,
        create=True,
        mailbox_id="M1",
        special_use="\\Archive",
        rule='script "main" line 3: fileinto',
        line=3,
    )


@pytest.mark.parametrize(
    ("actions", "keep", "expected"),
    [
        ([], IMPLICIT, [("store", "", False)]),
        ([FileIntoAction("INBOX")], KeepAction(), [("store", "", False)]),
        ([FileIntoAction("Work"), FileIntoAction("W&AG8-rk")], None, [("store", "Work", False)]),
        ([FileIntoAction("Work", copy=True)], IMPLICIT, [("store", "Work", False), ("store", "", False)]),
        ([DiscardAction(2)], None, [("discard", "", False)]),
        ([DiscardAction(2)], KeepAction(), [("store", "", False)]),
    ],
)
def test_a_mailbox_gets_one_copy(
    actions: list[SieveAction], keep: KeepAction | None, expected: list[tuple[str, str, bool]]
) -> None:
    assert copies(run(actions, keep, names={"W&AG8-rk": "Work"})) == expected


def test_the_flags_of_the_last_action_count() -> None:
    made = run([FileIntoAction("a", ("\\Seen",)), FileIntoAction("b", ("two", "three"))], names={"a": "A", "b": "A"})
    assert [step.flags for step in made.steps] == [("two", "three")]


@pytest.mark.parametrize(
    ("actions", "keep", "expected"),
    [
        ([], IMPLICIT, [("store", "", True)]),
        ([], KeepAction(), [("store", "", False)]),
        ([FileIntoAction("Work")], None, [("store", "Work", False)]),
        ([FileIntoAction("Work", copy=True)], IMPLICIT, [("store", "Work", False), ("store", "", True)]),
        ([FileIntoAction("Spam", copy=True)], IMPLICIT, [("store", "Spam", False)]),
    ],
    ids=["implicit keep", "explicit keep", "filed elsewhere", "copied elsewhere", "copied into the junk mailbox"],
)
def test_spam_that_is_kept_implicitly_goes_into_the_junk_mailbox(
    actions: list[SieveAction], keep: KeepAction | None, expected: list[tuple[str, str, bool]]
) -> None:
    made = run(actions, keep, is_spam=True)
    assert copies(made) == expected
    assert [step.rule == FILE_SPAM for step in made.steps] == [spam for _, _, spam in expected]


def test_nothing_decided_is_not_a_discard() -> None:
    assert copies(run([], None)) == [("store", "", False)]


def test_a_redirect_that_is_not_done_leaves_the_keep() -> None:
    made = run([], None, outward=OutwardPlan(keeps=True, reason="no redirect: limit"))
    assert [(step.action, step.reason) for step in made.steps] == [("store", "no redirect: limit")]
    made = run([], None, outward=OutwardPlan(keeps=True), is_spam=True)
    assert copies(made) == [("store", "", True)]


def test_what_leaves_comes_after_the_copies() -> None:
    away = Step("ann+x@example.org", 0, "enqueue", address="x@example.net")
    answer = Step("ann+x@example.org", 0, "answer")
    assert [step.action for step in run([], None, outward=OutwardPlan((away,))).steps] == ["enqueue"]
    assert [step.action for step in run([], IMPLICIT, outward=OutwardPlan((answer,))).steps] == ["store", "answer"]
    made = run([DiscardAction(4)], None, outward=OutwardPlan((answer,)))
    assert [(step.action, step.rule) for step in made.steps] == [
        ("discard", 'script "main" line 4: discard'),
        ("answer", ""),
    ]


def test_a_redirect_here_needs_no_step_of_its_own() -> None:
    redirect = LocalRedirect("bob@example.org", Target("bob@example.org", "a2"))
    made = run([], None, outward=OutwardPlan(local=(redirect,)))
    assert (made.steps, made.local, made.kept.action) == ((), (redirect,), "store")


def test_an_edited_copy_names_its_blob() -> None:
    form = MessageForm(b"X: 1\r\n", b"Return-Path: <>\r\n", "g0001/e", 99)
    (step,) = run([FileIntoAction("Work")], form=form).steps
    assert (step.added, step.prefix, step.edited, step.edited_size) == (
        b"X: 1\r\n",
        b"Return-Path: <>\r\n",
        "g0001/e",
        99,
    )


def test_the_plan_says_that_a_script_has_failed() -> None:
    failed = FailedScript('script "main"', ScriptFailure(4, "there is no mailbox"), is_owners=True)
    (step,) = run_of(GOT, ChainState(failures=(failed,)), {}, is_spam=False).steps
    assert (step.action, step.mailbox, step.rule) == ("store", "", "implicit keep")
    assert step.reason == 'script "main" failed at line 4: there is no mailbox'


def test_an_account_without_scripts_has_the_same_keep() -> None:
    assert kept(GOT, is_spam=False).rule == "implicit keep"
    assert (kept(GOT, is_spam=True).spam, kept(GOT, is_spam=True).rule) == (True, FILE_SPAM)
