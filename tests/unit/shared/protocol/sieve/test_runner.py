"""The runner `python -m shared.protocol.sieve.run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.protocol.sieve.run import main


@pytest.fixture
def message(tmp_path: Path) -> Path:
    path = tmp_path / "message.eml"
    path.write_bytes(b"From: a@example.org\nSubject: hello\n\ntext\n")
    return path


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def write(folder: Path, text: str) -> str:
    path = folder / "script.sieve"
    path.write_text(text)
    return str(path)


def test_it_prints_the_actions(tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(
        tmp_path, 'require ["fileinto", "copy", "envelope"];\nif envelope "to" "b@x.org" { fileinto :copy "A"; }'
    )
    assert main([script, "--message", str(message), "--from", "a@x.org", "--to", "b@x.org"]) == 0
    assert lines(capsys) == [
        {"action": "fileinto", "mailbox": "A", "copy": True, "line": 2},
        {"action": "keep", "implicit": True},
    ]


def test_the_envelope_is_taken_from_the_header_unless_it_is_given(
    tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = write(tmp_path, 'require "envelope"; if envelope "from" "a@example.org" { discard; }')
    for options, expected in ([], "discard"), (["--from", "<>"], "keep"), (["--from", "b@example.org"], "keep"):
        assert main([script, "--message", str(message), *options]) == 0
        assert [line["action"] for line in lines(capsys)] == [expected]


def test_it_prints_all_errors(tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(tmp_path, "frob;\nkeep :now;")
    assert main([script, "--message", str(message)]) == 1
    assert lines(capsys) == [
        {"error": "there is no command frob", "line": 1, "column": 1},
        {"error": "keep: there is no argument :now here", "line": 2, "column": 6},
    ]


def test_it_prints_a_failure(tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(tmp_path, 'require ["ihave", "fileinto"];\nfileinto "A";\nerror "reason";')
    assert main([script, "--message", str(message)]) == 0
    assert lines(capsys) == [
        {"action": "keep", "implicit": True},
        {"failure": "reason", "line": 3, "abandoned": [{"action": "fileinto", "mailbox": "A", "line": 2}]},
    ]


def test_it_prints_the_steps(tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(tmp_path, 'if not header "subject" "x" {\n  discard; }')
    assert main([script, "--message", str(message), "--account"]) == 0
    assert [line["step"] for line in lines(capsys)[:-1]] == [
        'line 1: header "subject" "x" … false',
        "line 1: not … true",
        "line 2: discard",
    ]


def test_edits_are_shown(tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(tmp_path, 'require "editheader"; addheader "X-A" "1"; deleteheader "subject";')
    assert main([script, "--message", str(message)]) == 0
    (keep,) = lines(capsys)
    assert keep["edits"] == {"top": ["X-A: 1\r\n"], "bottom": [], "deleted": [1], "content": None}


def test_scripts_are_included_from_folders(tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "personal").mkdir()
    (tmp_path / "personal" / "inner.sieve").write_text('require "fileinto"; fileinto "inner";')
    script = write(tmp_path, 'require "include"; include "inner";')
    assert main([script, "--message", str(message), "--personal", str(tmp_path / "personal")]) == 0
    assert [line.get("mailbox") for line in lines(capsys)] == ["inner"]


def test_scripts_beside_the_script_are_included(
    tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inner").write_text('require "fileinto"; fileinto "inner";')
    script = write(
        tmp_path, 'require "include"; include "inner"; include :global "inner"; include :optional "../inner";'
    )
    assert main([script, "--message", str(message)]) == 0
    assert [line.get("mailbox") for line in lines(capsys)] == ["inner"]


@pytest.mark.parametrize("script", ["gone.sieve", "."])
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    assert main([str(tmp_path / script), "--message", str(message)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith(str(tmp_path))


@pytest.mark.parametrize("octets", [b"", b"\n", b"\r\n\r\n", b"no header at all", b"\xff\x00\n\n", b"From: \n\nx"])
def test_any_message_has_an_envelope(tmp_path: Path, capsys: pytest.CaptureFixture[str], octets: bytes) -> None:
    (tmp_path / "m").write_bytes(octets)
    script = write(tmp_path, 'require ["envelope", "vacation"]; vacation "x"; if envelope "from" "" { discard; }')
    assert main([script, "--message", str(tmp_path / "m")]) == 0
    assert [line["action"] for line in lines(capsys)] == ["discard"]


@pytest.mark.parametrize(
    "source",
    [
        b"keep;\r\ndiscard :x;\r\n",
        b"keep;\ndiscard :x;\n",
        b"\xef\xbb\xbfkeep;\r\ndiscard :x;",
        b"\xef\xbb\xbf# \xc3\xa9\r\ndiscard :x;",
    ],
    ids=["CRLF", "LF", "byte order mark", "other characters"],
)
def test_places_are_the_same_for_all_forms_of_a_script(
    tmp_path: Path, message: Path, capsys: pytest.CaptureFixture[str], source: bytes
) -> None:
    path = tmp_path / "s.sieve"
    path.write_bytes(source)
    assert main([str(path), "--message", str(message)]) == 1
    assert lines(capsys) == [{"error": "discard: there is no argument :x here", "line": 2, "column": 9}]
