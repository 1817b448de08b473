"""What a script decided, and what is wrong with it, in words."""

from __future__ import annotations

import pytest

from shared.protocol.sieve.actions import (
    DiscardAction,
    ErejectAction,
    FileIntoAction,
    KeepAction,
    MessageEdits,
    NotifyAction,
    RedirectAction,
    RejectAction,
    SentCopy,
    SieveAction,
    TrackDuplicateAction,
    VacationAction,
)
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.describing import described_action, described_notes, described_outcome, duration
from shared.protocol.sieve.diagnostic import InvalidScript, Place, ScriptNote
from shared.protocol.sieve.outcome import ScriptFailure, ScriptOutcome

ADDED = MessageEdits(top=(b"X-A: 1\r\n",), deleted=(2, 3))

ACTIONS: list[tuple[SieveAction, str]] = [
    (KeepAction(implicit=True), "store in INBOX: nothing in the script says otherwise"),
    (KeepAction(flags=("\\Seen", "$Work"), line=3), "store in INBOX with the flags \\Seen $Work (line 3)"),
    (KeepAction(edits=ADDED), "store in INBOX, with a changed header (added: X-A: 1, 2 fields deleted)"),
    (KeepAction(edits=MessageEdits(content=b"12345")), "store in INBOX, as a new message of 5 octets"),
    (FileIntoAction("Work", line=2), "file into Work (line 2)"),
    (FileIntoAction("Work", copy=True, create=True), "file a copy into Work, which is made if it is missing"),
    (
        FileIntoAction("Bills", create=True, flags=("\\Seen",)),
        "file into Bills, which is made if it is missing, with the flags \\Seen",
    ),
    (
        FileIntoAction("A", mailbox_id="m1", special_use="\\Junk"),
        "file into the mailbox with the id m1 or else the mailbox for \\Junk or else A",
    ),
    (DiscardAction(line=9), "discard (line 9)"),
    (RedirectAction("bob@example.net"), "send on to bob@example.net"),
    (RedirectAction("", copy=True, list_name="urn:a"), "send a copy on to the addresses of urn:a"),
    (
        RedirectAction("b@x.org", notify="NEVER", ret="HDRS", by_time="60"),
        "send on to b@x.org with NOTIFY=NEVER RET=HDRS BY=60",
    ),
    (RejectAction("no\r\nthanks"), "refuse, with a report to the sender: no thanks"),
    (ErejectAction("no"), "refuse, in the SMTP dialogue if possible: no"),
    (
        VacationAction("bob@example.net", "I am away", "Away", "m", 604_800, fcc=SentCopy("Sent")),
        "answer bob@example.net: Away (once in 7 days), with a copy of it in Sent",
    ),
    (VacationAction("bob@example.net", "", "Away", "m", 0), "answer bob@example.net: Away (each time)"),
    (NotifyAction("mailto:a@b.org", "new", 1), "notify mailto:a@b.org (high importance): new"),
    (
        TrackDuplicateAction("0:<id>", 3600),
        "remember the message for 1 hour, so that another one like it is a duplicate: 0:<id>",
    ),
]


@pytest.mark.parametrize(
    ("action", "text"), ACTIONS, ids=[f"{n}-{type(a).__name__}" for n, (a, _) in enumerate(ACTIONS)]
)
def test_each_action_has_words(action: SieveAction, text: str) -> None:
    assert described_action(action) == text


def test_a_long_text_is_cut() -> None:
    assert len(described_action(RejectAction("a " * 100_000))) < 300


def test_a_failure_tells_what_is_done_and_what_not() -> None:
    failure = ScriptFailure(4, "no such mailbox", "inner", (FileIntoAction("A", line=2),))
    assert described_outcome(ScriptOutcome((KeepAction(implicit=True),), failure=failure)) == [
        "the script failed in line 4 of inner: no such mailbox",
        "store in INBOX: nothing in the script says otherwise",
        "not done: file into A (line 2)",
    ]
    assert described_outcome(ScriptOutcome((DiscardAction(),))) == ["discard"]


def test_a_time_has_the_largest_unit_that_fits() -> None:
    times = {duration(seconds) for seconds in (0, 1, 59, 60, 5400, 7200, 86_400, 90_000)}
    assert times == {"0 seconds", "1 second", "59 seconds", "1 minute", "90 minutes", "2 hours", "1 day", "25 hours"}


def test_an_error_shows_its_line_with_a_mark() -> None:
    source = b'require "fileinto";\r\nif true {\tfrob; }\r\n'
    with pytest.raises(InvalidScript) as invalid:
        compile_script(source)
    lines = list(described_notes(source, invalid.value.errors, "error"))
    assert lines == [
        "line 2, column 11: error: there is no command frob",
        "    if true { frob; }",
        "              ^",
    ]


def test_a_mark_in_a_long_line_stays_near() -> None:
    source = b" " * 50_000 + b"frob;" + b" " * 50_000
    with pytest.raises(InvalidScript) as invalid:
        compile_script(source)
    _, shown, mark = described_notes(source, invalid.value.errors, "error")
    assert len(shown) < 130 and shown[mark.index("^") :].startswith("frob")


def test_a_place_outside_of_the_script_has_no_line() -> None:
    assert list(described_notes(b"", (ScriptNote(Place(3, 1), "x"),), "warning")) == ["line 3, column 1: warning: x"]
