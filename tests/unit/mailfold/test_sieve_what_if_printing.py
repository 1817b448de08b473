"""How a trial over the mail of a window is printed, for people and for programs."""

from __future__ import annotations

import json

import pytest

from mailfold.commands.sieve_what_if_printing import print_what_if
from shared.rpc.mailfold.delivery.v1 import dryruns_pb2 as pb

AT = 1_764_000_000_000_000
ENTRY = pb.GoesElsewhere(
    queue_id="q1",
    at=AT,
    author="bob@example.net",
    subject="hi \x1b[2J",
    was=["INBOX"],
    would_be=["Work", "eve@example.com"],
    line=3,
    rule='script "new" line 3: fileinto',
    moved=True,
)
FAILED = pb.GoesElsewhere(queue_id="q2", at=AT, was=[], would_be=["INBOX"], line=2, failure="there is no mailbox")
TOTALS = pb.WhatIfTotals(mails=9, elsewhere=5, redirected=1, failed=1, gone=2)
FIRST = pb.WhatIfPart(warnings=[pb.NoteInScript(line=1, column=1, text="careful")], since=AT, until=AT + 9)
LAST = pb.WhatIfPart(totals=TOTALS, since=AT, until=AT + 9, log_begins=AT + 1, complete=True)
PARTS = [FIRST, pb.WhatIfPart(elsewhere=[ENTRY, FAILED]), LAST]


def test_people_see_who_what_from_where_to_where_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    print_what_if(b"keep;", PARTS, json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "line 1, column 1: warning: careful",
        "    keep;",
        "    ^",
        "2025-11-24 16:00  bob@example.net  hi �[2J",
        '    INBOX (no longer there) → Work, eve@example.com   [script "new" line 3: fileinto]   q1',
        "2025-11-24 16:00  <>  (no subject)",
        "    discarded → INBOX   [line 2: there is no mailbox]   q2",
        "… and 3 more, see --limit",
        "9 mails since 2025-11-24 16:00 UTC, 5 would go elsewhere",
        "  1 would be sent on",
        "  1 make the script fail",
        "  2 cannot be examined, because their messages were removed for good",
        "the event log goes back to 2025-11-24 16:00 UTC; earlier mail is not known any more",
    ]


def test_programs_get_a_document_on_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_what_if(b"keep;", PARTS, json=True)
    warning, entry, _, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert warning == {"warning": "careful", "line": 1, "column": 1}
    assert (entry["was"], entry["would_be"], entry["moved"]) == (["INBOX"], ["Work", "eve@example.com"], True)
    assert (last["totals"]["mails"], last["totals"]["answered"], last["complete"]) == (9, 0, True)


def test_a_script_with_errors_has_them_alone(capsys: pytest.CaptureFixture[str]) -> None:
    part = pb.WhatIfPart(errors=[pb.NoteInScript(line=1, column=1, text="there is no command frob")])
    print_what_if(b"frob;", [part], json=False)
    assert capsys.readouterr().out.splitlines() == [
        "line 1, column 1: error: there is no command frob",
        "    frob;",
        "    ^",
    ]
    print_what_if(b"frob;", [part], json=True)
    assert json.loads(capsys.readouterr().out) == {"error": "there is no command frob", "line": 1, "column": 1}


def test_a_trial_that_ended_early_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    last = pb.WhatIfPart(totals=pb.WhatIfTotals(mails=1), since=AT, ended="the script works too much")
    print_what_if(b"keep;", [FIRST, last], json=False)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "1 mail since 2025-11-24 16:00 UTC, 0 would go elsewhere",
        "ended early: the script works too much",
    ]
