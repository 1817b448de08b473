"""Running scripts (RFC 5228)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.sieve.interpreter import Filed, MessageContext, run
from shared.protocol.sieve.script import (
    FILE_SPAM,
    JUNK,
    Command,
    Discard,
    FileInto,
    If,
    IsSpam,
    Keep,
    Not,
    Script,
    Stop,
)

HAM, SPAM = MessageContext(), MessageContext(spam=True)


def filed(context: MessageContext, *commands: Command) -> list[tuple[str, str]]:
    return [(entry.mailbox, entry.special_use) for entry in run(Script("test", commands), context).filed]


def test_an_empty_script_keeps() -> None:
    assert run(Script("empty", ()), HAM).filed == (Filed(rule="implicit keep"),)


def test_the_built_in_script_files_spam_alone() -> None:
    assert [entry.special_use for entry in run(FILE_SPAM, SPAM).filed] == [JUNK]
    assert run(FILE_SPAM, HAM).filed == (Filed(rule="implicit keep"),)


def test_fileinto_and_discard_cancel_the_implicit_keep() -> None:
    assert filed(HAM, FileInto("Lists")) == [("Lists", "")]
    assert filed(HAM, Discard()) == []


def test_discard_does_not_undo_a_keep() -> None:
    assert filed(HAM, Keep(), Discard()) == [("", "")]


def test_stop_ends_the_script_and_leaves_the_implicit_keep() -> None:
    assert filed(HAM, Stop(), Discard()) == [("", "")]
    assert filed(HAM, FileInto("A"), If(Not(IsSpam()), (Stop(),)), FileInto("B")) == [("A", "")]


def test_the_same_mailbox_is_filed_into_once() -> None:
    assert filed(HAM, FileInto("A"), FileInto("A"), Keep(), Keep()) == [("A", ""), ("", "")]


def test_tests_and_blocks() -> None:
    inner = If(Not(Not(IsSpam())), (FileInto("Spam"),))
    assert filed(SPAM, If(IsSpam(), (inner,))) == [("Spam", "")]
    assert filed(HAM, If(IsSpam(), (inner,))) == [("", "")]


def test_each_decision_names_its_rule() -> None:
    (entry,) = run(Script("mine", (FileInto("Lists"),)), HAM).filed
    assert entry.rule == "mine: fileinto Lists"


_leaf = st.sampled_from([Keep(), Discard(), FileInto("A"), FileInto(special_use=JUNK), Stop()])
_commands = st.recursive(
    _leaf,
    lambda inner: st.builds(If, st.sampled_from([IsSpam(), Not(IsSpam())]), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=12,
)


@given(st.lists(_commands, max_size=6).map(tuple), st.booleans())
def test_any_script_files_into_few_mailboxes_and_is_decided_alike(commands: tuple[Command, ...], spam: bool) -> None:
    actions = run(Script("any", commands), MessageContext(spam))
    assert actions == run(Script("any", commands), MessageContext(spam))
    assert len(set(actions.filed)) == len(actions.filed) <= 3
