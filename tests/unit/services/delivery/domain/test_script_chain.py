"""The scripts of operator and account decide one after the other: what stays, is replaced, or is dropped."""

from __future__ import annotations

import pytest

from services.delivery.domain.script_chain import (
    IMPLICIT_KEEP,
    ChainState,
    MessageForm,
    ScriptDecision,
    after_script,
)
from shared.events.scripts import ACTIVE, AFTER, BEFORE
from shared.protocol.sieve.actions import (
    DiscardAction,
    FileIntoAction,
    KeepAction,
    MessageEdits,
    SieveAction,
    VacationAction,
)
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome

MAIL = message_in_memory(b"From: eve@example.net\r\nTo: ann@example.org\r\nSubject: hello\r\n\r\nhi\r\n")
EXTENSIONS = (
    'require ["fileinto", "copy", "imap4flags", "reject", "ereject", "variables", "editheader", "vacation", "ihave"];'
)


def form(edits: MessageEdits) -> MessageForm:
    return MessageForm(b"".join(edits.top))


def decided(*scripts: tuple[str, str], ends_at_keep: bool = False) -> ChainState:
    """What scripts, with their places, decide about a mail."""
    state = ChainState()
    for place, text in scripts:
        if state.ended:
            break
        outcome = run_script(
            compile_script(f"{EXTENSIONS}\n{text}".encode()),
            MAIL,
            SieveEnvelope("eve@example.net", "ann@example.org"),
            SieveEnvironment(addresses=("ann@example.org",)),
        )
        state = after_script(state, place, place[0], outcome, form, ends_at_keep=ends_at_keep)
    return state


def shown(state: ChainState) -> list[str]:
    """The decisions in words; the keep last, an implicit one in brackets."""
    words = [_word(decision) for decision in state.decisions]
    if state.keep is not None:
        action = state.keep.action
        assert isinstance(action, KeepAction)
        keep = " ".join(("keep", *action.flags))
        words.append(f"({keep})" if action.implicit else keep)
    return words


def _word(decision: ScriptDecision) -> str:
    match decision.action:
        case FileIntoAction(mailbox=mailbox):
            return f"into {mailbox}"
        case VacationAction(reason=reason):
            return f"vacation {reason}"
        case DiscardAction():
            return "discard"
        case _:
            return type(decision.action).__name__


CASES: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    ("no script keeps implicitly", [], ["(keep)"]),
    ("an empty script keeps implicitly", [(ACTIVE, "")], ["(keep)"]),
    ("what is filed is not kept", [(ACTIVE, 'fileinto "Work";')], ["into Work"]),
    ("a copy leaves the keep in force", [(ACTIVE, 'fileinto :copy "Work";')], ["into Work", "(keep)"]),
    (
        "a later script runs after an implicit keep, and replaces it",
        [(BEFORE, ""), (ACTIVE, 'fileinto "Work";')],
        ["into Work"],
    ),
    (
        "a later script runs after an explicit keep, and replaces it: no second copy",
        [(BEFORE, "keep;"), (ACTIVE, 'fileinto "Work";')],
        ["into Work"],
    ),
    (
        "a later script does not run when the mail is filed",
        [(BEFORE, 'fileinto "Spam";'), (ACTIVE, "keep;")],
        ["into Spam"],
    ),
    ("a discard is not undone", [(BEFORE, "discard;"), (ACTIVE, ""), (AFTER, "keep;")], ["discard"]),
    ("a later discard discards", [(ACTIVE, "keep;"), (AFTER, "discard;")], ["discard"]),
    (
        "copies of an earlier script stay",
        [(BEFORE, 'fileinto :copy "All";'), (ACTIVE, 'fileinto "Work";')],
        ["into All", "into Work"],
    ),
    (
        "stop ends its own script only",
        [(BEFORE, "stop; discard;"), (ACTIVE, 'fileinto :copy "Work"; stop; discard;'), (AFTER, 'fileinto "Last";')],
        ["into Work", "into Last"],
    ),
    (
        "an early keep does not lose its flags to a script that says nothing",
        [(BEFORE, 'keep :flags "\\\\Flagged";'), (ACTIVE, "")],
        ["keep \\Flagged"],
    ),
    (
        "a later explicit keep replaces the earlier one with its flags",
        [(BEFORE, 'keep :flags "\\\\Flagged";'), (ACTIVE, 'keep :flags "\\\\Seen";')],
        ["keep \\Seen"],
    ),
    (
        "flags of a later script go with the earlier keep",
        [(BEFORE, "keep;"), (ACTIVE, 'setflag "work";')],
        ["keep work"],
    ),
    (
        "a mail is answered once in the whole run",
        [(BEFORE, 'vacation "first";'), (ACTIVE, 'vacation "second";'), (AFTER, 'vacation "third";')],
        ["vacation first", "(keep)"],
    ),
    (
        "a failed script loses its own actions only, and counts as one that has kept the mail",
        [(BEFORE, 'fileinto :copy "All";'), (ACTIVE, 'discard; error "no";'), (AFTER, "")],
        ["into All", "(keep)"],
    ),
    (
        "a failed script of the operator does not keep the owner's from running",
        [(BEFORE, 'error "no";'), (ACTIVE, 'fileinto "Work";')],
        ["into Work"],
    ),
    ("a failed script does not undo an earlier keep", [(BEFORE, "keep;"), (ACTIVE, 'discard; error "no";')], ["keep"]),
]


@pytest.mark.parametrize(("scripts", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_scripts_decide_together(scripts: list[tuple[str, str]], expected: list[str]) -> None:
    assert shown(decided(*scripts)) == expected


def test_an_explicit_keep_ends_the_run_where_the_operator_says_so() -> None:
    scripts = ((BEFORE, "keep;"), (ACTIVE, "discard;"))
    assert shown(decided(*scripts)) == ["discard"]
    assert shown(decided(*scripts, ends_at_keep=True)) == ["keep"]
    assert shown(decided((BEFORE, ""), (ACTIVE, "discard;"), ends_at_keep=True)) == ["discard"]


def test_a_later_script_sees_and_keeps_what_an_earlier_one_has_added() -> None:
    state = decided((BEFORE, 'addheader "X-Operator" "yes";'), (ACTIVE, ""))
    assert state.form == form(MessageEdits()), "the pure state takes the form that it is given"
    first = after_script(
        ChainState(),
        BEFORE,
        "b",
        ScriptOutcome((KeepAction(implicit=True),), edits=MessageEdits((b"X: 1\r\n",))),
        form,
    )
    assert first.form.added == b"X: 1\r\n"


def test_a_failure_keeps_the_form_that_the_script_was_given() -> None:
    before = ChainState(form=MessageForm(b"X: 1\r\n"), keep=ScriptDecision(KeepAction(), MessageForm(b"X: 1\r\n")))
    outcome = ScriptOutcome((KeepAction(implicit=True),), failure=ScriptFailure(7, "no"))
    state = after_script(before, ACTIVE, "main", outcome, form)
    assert (state.form, state.keep, state.ended) == (before.form, before.keep, False)
    (failed,) = state.failures
    assert (failed.script, failed.failure.line, failed.is_owners) == ('script "main"', 7, True)


def test_a_decision_names_its_script_and_line() -> None:
    state = decided((BEFORE, 'fileinto :copy "All";'), (ACTIVE, '\n\nfileinto "Work";'))
    assert [decision.rule for decision in state.decisions] == ['script "b" of the server line 2', 'script "a" line 4']
    assert IMPLICIT_KEEP.rule == ""


def test_all_actions_of_the_language_are_kept_apart_from_the_keep() -> None:
    action: SieveAction = DiscardAction(3)
    state = after_script(ChainState(), ACTIVE, "a", ScriptOutcome((action,)), form)
    assert (state.decisions[0].action, state.keep, state.ended) == (action, None, True)
