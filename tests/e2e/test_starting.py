"""Mistakes that prevent a start are all reported at once, with their source, before anything runs."""

from __future__ import annotations

from pathlib import Path

from tests.harness.command import Command

MISTAKES = '[ingress]\nmax_recipients = 3\nno_such = 1\n\n[directory]\npassword_length = "long"\n'


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "mailfold.toml").write_text(MISTAKES)
    ended = Command(tmp_path, {"MAILFOLD_SERVER_LAYOUT": "huge"}).run("up")
    reported = ended.output + ended.errors
    assert ended.status in (1, 2)
    names = ("ingress.max_recipients", "ingress.no_such", "directory.password_length", "server.layout")
    assert (
        all(name in reported for name in names) and "mailfold.toml" in reported and "MAILFOLD_SERVER_LAYOUT" in reported
    ), reported
    assert not (tmp_path / "run" / "processes.json").exists()


def test_a_command_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    ended = Command(tmp_path).run("trace", "anything")
    assert ended.status and "mailfold up" in ended.errors + ended.output
