"""A command that fails prints a sentence that says what to do, or JSON, with the right exit code and no traceback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailfold.launcher.credentials import operator_tokens
from mailfold.layouts import START_ORDER
from mailfold.operator.failure import CommandFailed
from mailfold.operator.session import Session, converse
from shared.grpc.errors import TimedOut, Unavailable
from shared.places import Places
from tests.integration.directory.conftest import Running
from tests.parts import nats
from tests.parts.required import needs

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "mailfold")


def run(*words: str | bytes, data: Path, text: bytes = b"", **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MAILFOLD_DATA": str(data), "PYTHONUTF8": "1", **settings}
    done = subprocess.run(
        [*COMMAND, *words], input=text, capture_output=True, cwd=ROOT, env=environment, timeout=120, check=False
    )
    return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An installation that was started once and stopped."""
    places = Places(tmp_path / "data")
    places.make()
    operator_tokens(places, START_ORDER, lambda: "token")
    return places.data


@pytest.fixture
def people(data: Path) -> Path:
    """With a domain and the user ann."""
    for words, text in (
        (["domain", "add", "example.org"], b""),
        (["user", "add", "ann", "--password-stdin"], b"correct horse"),
        (["account", "add", "ann@example.org", "--user", "ann"], b""),
    ):
        assert run(*words, data=data, text=text).returncode == 0
    return data


def failure(words: Sequence[str | bytes], data: Path, text: bytes = b"", **settings: str) -> tuple[int, str]:
    """The exit code and the message; people get it on standard error, programs get the same on standard output."""
    done = run(*words, "--json", data=data, text=text, **settings)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    answer: Any = json.loads(done.stdout)
    assert set(answer) == {"error"} and set(answer["error"]) == {"code", "message"}
    assert done.returncode == answer["error"]["code"]
    assert answer["error"]["message"][:40] in done.stderr
    return done.returncode, answer["error"]["message"]


REFUSALS = [
    (["domain", "add", "example.org"], 1, "mailfold domain show example.org"),
    (["domain", "show", "nosuch.example"], 1, "mailfold domain list"),
    (["domain", "remove", "example.org"], 1, "mailfold account list"),
    (["user", "show", "nosuch"], 1, "mailfold user list"),
    (["account", "add", "ann@example.org", "--user", "ann"], 1, "mailfold account show"),
    (["account", "add", "x@nosuch.example", "--user", "ann"], 1, "mailfold domain add nosuch.example"),
    (["account", "add", "x@example.org", "--user", "nosuch"], 1, "mailfold user list"),
    (["account", "add", "a+b@example.org", "--user", "ann"], 1, "letters, digits"),
    (["account", "add", "a/b@example.org", "--user", "ann"], 1, "letters, digits"),
    (["account", "add", "Tool.App@example.org", "--user", "ann"], 1, "reserved for applications"),
    (["account", "add", f"{'a' * 201}@example.org", "--user", "ann"], 1, "at most 200"),
    (["account", "quota", "ann@example.org", "99999999999T"], 2, "the largest quota is 1024P"),
    (["account", "quota", "ann@example.org", "5X"], 2, "500M"),
    (["alias", "add", "x@example.org", "nosuch@example.org"], 1, "mailfold account add nosuch@example.org"),
    (["alias", "show", "nosuch@example.org"], 1, "mailfold alias list"),
    (["settings", "show", "nosuch"], 2, "mailfold settings"),
    (["settings", "set", "ingress.max_recipient", "7"], 1, "ingress.max_recipients"),
    (["settings", "set", "ingress.max_recipients", "many"], 1, "'many' cannot be used"),
    (["events", "--since", "yesterday"], 2, "10m"),
    (["events", "--since", "9999999999d"], 2, "mailfold up"),
    (["deadletters", "show", "nosuch"], 1, "mailfold deadletters list"),
    (["deadletters", "retry"], 2, "--all"),
    (["rebuild", "nosuch"], 2, "directory"),
    (["trace", "q1"], 2, "mailfold up"),
    (["events"], 2, "mailfold up"),
    (["domain", "show", b"\xff\xfe"], 2, "UTF-8"),
    (["domain", "add"], 2, "Missing argument"),
    (["domain", "nosuch"], 2, "No such command"),
    (["nosuch"], 2, "No such command"),
    (["account", "add", "b@example.org"], 2, "--user"),
]


def test_refusals_say_what_to_do(people: Path) -> None:
    for words, code, reported in REFUSALS:
        assert (result := failure(words, people))[0] == code, (words, result)
        assert reported in result[1], (words, result)


@pytest.mark.parametrize(
    ("text", "code", "reported"),
    [
        (b"", 2, "no password came"),
        (b"\n", 1, "too short"),
        (b"short\n", 1, "8 characters"),
        (b"caf\xe9 caf\xe9 caf\xe9\n", 2, "UTF-8"),
        (b"tab\tin it all\n", 1, "control"),
    ],
)
def test_passwords_that_cannot_be(data: Path, text: bytes, code: int, reported: str) -> None:
    result = failure(["user", "add", "bob", "--password-stdin"], data, text)
    assert result[0] == code and reported in result[1]


def test_a_password_is_not_asked_for_where_nobody_sits(data: Path) -> None:
    result = failure(["user", "add", "bob"], data, b"correct horse\n")
    assert result[0] == 2 and "--password-stdin" in result[1]


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "data", Path("/proc/nosuch")):
        done = run("up", "--data", str(folder), data=tmp_path)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert str(folder) in done.stderr and "--data" in done.stderr


def test_a_user_that_is_none_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = run("up", data=tmp_path / "data", MAILFOLD_SERVER_USER="nosuch")
    assert done.returncode == 2 and "there is no user nosuch on this machine" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_folder_in_use_is_not_given_to_another_user(data: Path) -> None:
    done = run("up", data=data, MAILFOLD_SERVER_USER="64123")
    assert done.returncode == 2 and f"chown -R 64123 {data}" in done.stderr
    assert {path.lstat().st_uid for path in data.rglob("*")} == {0}


def test_mistakes_in_settings_are_reported_with_value_source_and_meaning(data: Path) -> None:
    (data / "mailfold.toml").write_text('[ingres]\nx = 1\n[ingress]\nmax_recipients = "many"\nmax_recipient = 1\n')
    done = run("up", data=data, MAILFOLD_ACCESS_PATIENCE="long")
    assert done.returncode == 2
    for expected in (
        "is it ingress?",
        "'many' cannot be used",
        "is it ingress.max_recipients?",
        "MAILFOLD_ACCESS_PATIENCE",
        "Seconds for which a call",
    ):
        assert expected in done.stderr, done.stderr
    assert failure(["domain", "list"], data)[0] == 2


def test_without_json_nothing_but_the_sentence_is_printed(data: Path) -> None:
    done = run("user", "show", "nosuch", data=data)
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "mailfold: there is no user nosuch: `mailfold user list` shows them\n",
    )


def test_status_of_what_does_not_run(data: Path) -> None:
    done = run("status", "--json", data=data)
    assert done.returncode == 2
    assert json.loads(done.stdout) == {
        "ready": False,
        "processes": [],
        "listeners": [],
        "services": [],
        "dead_letters": 0,
        "well": False,
        "troubles": [],
        "warnings": [],
    }


def test_a_reader_that_closes_the_pipe_causes_no_error_message(data: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        environment = {**os.environ, "MAILFOLD_DATA": str(data)}
        done = subprocess.run(
            [*COMMAND, "settings"],
            stdout=output,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_full_disk_under_the_output_is_reported(data: Path) -> None:
    with Path("/dev/full").open("wb") as output:
        environment = {**os.environ, "MAILFOLD_DATA": str(data)}
        done = subprocess.run(
            [*COMMAND, "settings"],
            stdout=output,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"mailfold: [Errno 28] No space left on device\n")


def test_ctrl_c_ends_a_command_in_silence(data: Path) -> None:
    environment = {**os.environ, "MAILFOLD_DATA": str(data)}
    words = [*COMMAND, "user", "add", "bob", "--password-stdin"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

    def as_at_a_terminal() -> None:
        signal.signal(
            signal.SIGINT, signal.SIG_DFL
        )  # a shell's background job ignores SIGINT from the beginning, and its children would too

    with subprocess.Popen(words, **pipes, cwd=ROOT, env=environment, preexec_fn=as_at_a_terminal) as process:
        assert process.stdin is not None
        while "pipe_read" not in Path(f"/proc/{process.pid}/wchan").read_text() and process.poll() is None:
            pass  # it waits for the password
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (130, b"", b"")


def test_an_unforeseen_error_is_reported_as_a_bug(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mailfold import command_line

    def fail(*_: object) -> None:
        raise RuntimeError("the moon is full")

    monkeypatch.setattr(command_line, "carry_out", fail)
    assert command_line.run(["domain", "list", "--json"]) == 3
    reported = capsys.readouterr()
    message = json.loads(reported.out)["error"]["message"]
    assert "the moon is full" in message and "Traceback" not in reported.err + reported.out
    report = Path(message.split()[-1])
    assert "in fail" in report.read_text()
    report.unlink()


def test_a_value_may_be_negative_and_is_then_judged(data: Path) -> None:
    result = failure(["settings", "set", "ingress.max_recipients", "-5"], data)
    assert result[0] == 1 and "'-5' cannot be used" in result[1]


def test_a_setting_that_something_else_overrides_says_so(data: Path) -> None:
    done = run(
        "settings", "set", "server.hostname", "mail.example.org", data=data, MAILFOLD_SERVER_HOSTNAME="mx.example.org"
    )
    assert done.returncode == 0 and "environment variable MAILFOLD_SERVER_HOSTNAME wins" in done.stdout
    assert (
        "in force after `mailfold settings apply`"
        in run("settings", "set", "server.hostname", "mail.example.org", data=data).stdout
    )


def test_a_port_that_is_taken_is_reported_with_advice(data: Path) -> None:
    needs(nats)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("up", "--port-offset", str(port - 993), data=data)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and 'File "' not in done.stderr
    assert f"{port}" in done.stderr and "choose other ports with --port-offset" in done.stderr


def test_a_file_that_is_no_database_is_reported(data: Path) -> None:
    (data / "store" / "directory.sqlite").write_bytes(b"garbage " * 100)
    result = failure(["domain", "list"], data)
    assert result[0] == 1 and "file is not a database" in result[1] and str(data / "store") in result[1]


@pytest.mark.parametrize("error", [Unavailable("connection refused"), TimedOut("too late")])
def test_a_service_that_does_not_answer_is_reported(tmp_path: Path, error: Exception) -> None:
    async def ask(_: Session) -> None:
        raise error

    with pytest.raises(CommandFailed, match="`mailfold status` shows which"):
        converse(tmp_path, ask)


async def test_a_settings_file_that_broke_under_a_running_server_is_reported(
    tmp_path: Path, nats_server: nats.NatsServer
) -> None:
    needs(nats)
    running = Running(tmp_path / "data", nats_server.url, {})
    await running.start()
    try:
        running.places.settings_file.write_text("broken = [")
        for words in (
            ["settings"],
            ["settings", "show", "server.hostname"],
            ["settings", "set", "server.hostname", "mx.example.org"],
        ):
            code, reported = await asyncio.to_thread(failure, words, running.places.data)
            assert code == 1 and "mailfold.toml" in reported and "cannot be read" in reported
    finally:
        await running.stop()
