"""`mailfold sink` as a program: it serves until it is stopped, and its Maildir is read with and without it."""

from __future__ import annotations

import json
import signal
import smtplib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.mailfold.test_up import ROOT, command, run


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running sink, and what it has printed."""
    words = command("sink", "--port", "0", "--json", "--max-size", "1", "--data", str(tmp_path / "data"))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1].rstrip() != "}":
            lines.append(process.stdout.readline())
        yield process, json.loads("".join(lines))
        process.kill()


def test_it_takes_mail_lists_it_and_ends_in_order(
    sink: tuple[subprocess.Popen[str], dict[str, Any]], tmp_path: Path
) -> None:
    process, printed = sink
    where = ("--data", str(tmp_path / "data"))
    assert printed["maildir"] == str(tmp_path / "data" / "sink")
    with smtplib.SMTP(printed["address"], printed["port"]) as client:
        assert (
            client.sendmail("ann@example.org", ["bob@x.example"], "Subject: Tea \x1b[2J\r\n\r\nHot \x1b[31m.\r\n") == {}
        )
        assert client.docmd("\x1b]0;owned\x07")[0] == 500
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("ann@example.org", ["bob@x.example"], "x\r\n" * 500_000)
        assert refused.value.smtp_code == 552
    (mail,) = json.loads(run("sink", "list", "--json", *where).stdout)
    assert (mail["sender"], mail["recipients"]) == ("ann@example.org", ["bob@x.example"])
    listed, shown = run("sink", "list", *where).stdout, run("sink", "show", mail["name"], *where).stdout
    assert "Tea �[2J" in listed and "Hot �[31m." in shown and "\x1b" not in listed + shown
    assert "Hot \x1b[31m." in run("sink", "show", mail["name"], "--raw", *where).stdout
    assert run("sink", "show", "../../etc/passwd", *where).returncode == 1
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "\x1b" not in rest and f"kept {mail['name']} from <ann@example.org>" in rest


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("sink", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path / "data"))
    assert done.returncode == 2 and "cannot serve 127.0.0.1 port" in done.stderr


def test_an_empty_sink_is_listed(tmp_path: Path) -> None:
    assert run("sink", "list", "--data", str(tmp_path / "none")).stdout == "the sink has kept no mail\n"
    assert not (tmp_path / "none").exists()
