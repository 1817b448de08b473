"""`mailfold sieve test` without an account: local files, steps, actions, errors."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from mailfold.arguments import call
from mailfold.commands.sieve_dry_run import test as sieve_test
from mailfold.operator.failure import CommandFailed

MESSAGE = b"From: Bob <bob@example.net>\nTo: ann@example.org\nSubject: invoice \x1b[2J 3\nX-N: 1\n\ntext\n"
SCRIPT = b'require "fileinto";\nif header :contains "subject" "invoice" {\n  fileinto "Bills";\n}\n'


@pytest.fixture
def message(tmp_path: Path) -> str:
    path = tmp_path / "message.eml"
    path.write_bytes(MESSAGE)
    return str(path)


def script(folder: Path, source: bytes) -> str:
    path = folder / "script.sieve"
    path.write_bytes(source)
    return str(path)


def run(*words: str) -> None:
    call("sieve test", sieve_test, words)


def test_it_shows_steps_and_what_would_be_done(
    tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(script(tmp_path, SCRIPT), message)
    assert capsys.readouterr().out.splitlines() == [
        "steps:",
        '  line 2: header :contains "subject" "invoice" … true',
        '  line 3: fileinto "Bills"',
        "what would be done:",
        "  file into Bills (line 3)",
    ]


def test_it_prints_a_document_on_each_line(tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(script(tmp_path, SCRIPT), message, "--json")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"step": 'header :contains "subject" "invoice"', "line": 2, "result": True},
        {"step": 'fileinto "Bills"', "line": 3},
        {"action": "fileinto", "mailbox": "Bills", "line": 3},
        {"would": ["file into Bills (line 3)"]},
    ]


def test_a_script_that_cannot_be_compiled_shows_its_lines(
    tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(script(tmp_path, b"if true {\n  frob; }\n"), message)
    assert ended.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        "line 2, column 3: error: there is no command frob",
        "      frob; }",
        "      ^",
    ]
    with pytest.raises(SystemExit):
        run(script(tmp_path, b"frob;"), message, "--json")
    assert json.loads(capsys.readouterr().out) == {"error": "there is no command frob", "line": 1, "column": 1}


def test_warnings_come_before_the_steps(tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(script(tmp_path, b'require "imap4flags";\nsetflag "\\Seen";\n'), message)
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("line 2, column 9: warning: ")


def test_a_script_that_fails_says_what_was_not_done(
    tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = b'require ["fileinto", "include"];\nfileinto "A";\ninclude "missing";\n'
    with pytest.raises(SystemExit) as ended:
        run(script(tmp_path, source), message)
    lines = capsys.readouterr().out.splitlines()
    assert ended.value.code == 1
    assert any("the script failed in line 3" in line for line in lines)
    assert lines[-2:] == ["  store in INBOX: nothing in the script says otherwise", "  not done: file into A (line 2)"]


def test_text_of_strangers_does_not_control_the_terminal(
    tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = b'require ["variables", "reject"];\nif header :matches "subject" "*" { reject "${1}"; }'
    run(script(tmp_path, source), message)
    assert "\x1b" not in capsys.readouterr().out


def test_standard_input_is_the_message_or_the_script(
    tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, octets in (([script(tmp_path, SCRIPT), "-"], MESSAGE), (["-", message], SCRIPT)):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(octets)))
        run(*words)
        assert "file into Bills" in capsys.readouterr().out
    with pytest.raises(CommandFailed, match="only one"):
        run("-", "-")


FACTS = [
    ('require "envelope"; if envelope "from" "eve@example.com" { discard; }', ("--from", "eve@example.com")),
    ('require "envelope"; if envelope "from" "" { discard; }', ("--from", "<>")),
    ('require "envelope"; if envelope "to" "x@example.org" { discard; }', ("--to", "x@example.org")),
    ('require "mailbox"; if mailboxexists ["A", "B"] { discard; }', ("--mailbox", "A", "--mailbox", "B")),
    ('require "mailboxid"; if mailboxidexists "m1" { discard; }', ("--mailbox-id", "m1")),
    ('require "special-use"; if specialuse_exists "\\\\Junk" { discard; }', ("--special-use", "\\Junk=Spam")),
    ('require "mboxmetadata"; if metadata "A" "/private/x" "1" { discard; }', ("--metadata", "A:/private/x=1")),
    (
        'require "servermetadata"; if servermetadata "/private/x" "1" { discard; }',
        ("--server-metadata", "/private/x=1"),
    ),
    ('require ["duplicate"]; if duplicate :header "X-N" { discard; }', ("--duplicate", "0:1")),
    ('require "extlists"; if header :list "X-N" "urn:a" { discard; }', ("--list", "urn:a=1")),
    ('require "environment"; if environment "location" "MUA" { discard; }', ("--env", "location=MUA")),
    (
        'require ["spamtestplus", "relational", "comparator-i;ascii-numeric"];'
        ' if spamtest :percent :value "ge" :comparator "i;ascii-numeric" "70" { discard; }',
        ("--spam-percent", "80"),
    ),
    (
        'require ["date", "relational"]; if currentdate "date" "2020-11-23" { discard; }',
        ("--now", "2020-11-22T23:30:00+00:00", "--zone", "+01:00"),
    ),
    ('require "date"; if currentdate "zone" "+0200" { discard; }', ("--now", "2026-07-01", "--zone", "Europe/Berlin")),
]


@pytest.mark.parametrize(("source", "words"), FACTS, ids=[words[0] + str(n) for n, (_, words) in enumerate(FACTS)])
def test_what_the_server_would_know_is_said(
    source: str, words: tuple[str, ...], tmp_path: Path, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, expected in (((), "store in INBOX"), (words, "discard")):
        run(script(tmp_path, source.encode()), message, *given)
        assert capsys.readouterr().out.splitlines()[-1].strip().startswith(expected)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--now", "soon"], "is not a time"),
        (["--zone", "Nowhere"], "is not a time zone"),
        (["--zone", "+9900"], "zone"),
    ],
)
def test_words_that_cannot_be_read_are_refused(words: list[str], complaint: str, tmp_path: Path, message: str) -> None:
    with pytest.raises(CommandFailed, match=complaint) as failed:
        run(script(tmp_path, SCRIPT), message, *words)
    assert failed.value.code == 2


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, message: str) -> None:
    with pytest.raises(CommandFailed, match=r"missing\.sieve cannot be read"):
        run(str(tmp_path / "missing.sieve"), message)
    with pytest.raises(CommandFailed, match="cannot be read"):
        run(script(tmp_path, SCRIPT), str(tmp_path))
