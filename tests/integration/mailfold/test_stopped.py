"""Commands for an installation that does not run: they host the owning service themselves, under its lock."""

from __future__ import annotations

import fcntl
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailfold.launcher.credentials import operator_tokens
from mailfold.layouts import START_ORDER
from shared.places import Places

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mailfold", *arguments],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An installation that was started once and stopped."""
    places = Places(tmp_path / "data")
    places.make()
    operator_tokens(places, START_ORDER, lambda: "token")
    return places.data


def _events(data: Path) -> int:
    """The number of events that the directory has stored."""
    with sqlite3.connect(data / "store" / "directory.sqlite") as database:
        return int(database.execute("SELECT count(*) FROM event").fetchone()[0])


def as_json(*arguments: str, text: str = "", code: int = 0) -> Any:
    done = run(*arguments, "--json", text=text)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_where_nothing_was_ever_started_it_says_what_to_do(tmp_path: Path) -> None:
    for command in (["domain", "list"], ["status"], ["trace", "x"], ["verify"]):
        done = run(*command, "--data", str(tmp_path / "none"))
        assert done.returncode == 2, command
        assert "start it with `mailfold up" in done.stderr
    assert not (tmp_path / "none").exists()


def test_people_are_managed_and_rows_are_verified_and_mended(data: Path) -> None:
    where = ("--data", str(data))
    assert as_json("domain", "add", "Example.org", "--incoming", *where)["name"] == "example.org"
    as_json("user", "add", "ann", "--password-stdin", *where, text="correct horse\n")
    made = as_json("account", "add", "ann@example.org", "--user", "ann", "--quota", "1G", *where)
    assert made["quota_bytes"] == 1024**3
    assert run("domain", "remove", "example.org", *where).returncode == 1
    result = as_json("verify", *where)
    assert result["equal"]
    _damage(data)
    broken = as_json("verify", *where, code=1)
    (difference,) = next(service["differences"] for service in broken["services"] if service["service"] == "directory")
    assert difference["table"] == "account"
    assert as_json("verify", "--mend", *where, code=1)["services"][0]["mended"] == 1
    assert as_json("verify", *where)["equal"]
    assert as_json("rebuild", "directory", *where) == {"directory": _events(data)}
    assert as_json("account", "show", "ann@example.org", *where)["quota_bytes"] == 1024**3


def test_blobs_are_looked_at_too(data: Path) -> None:
    result = as_json("verify", "--data", str(data))
    assert (
        result["blobs"]["referenced"],
        result["blobs"]["unreferenced"],
        result["blobs"]["missing"],
        result["blobs"]["damaged"],
    ) == (0, 0, [], [])


def test_while_another_process_has_the_database_it_says_so(data: Path) -> None:
    with (data / "store" / "mailstore.sqlite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("rebuild", "mailstore", "--data", str(data))
    assert done.returncode == 2
    assert "another process" in done.stderr


def test_all_mistakes_in_settings_come_at_once(data: Path) -> None:
    (data / "mailfold.toml").write_text(
        '[server]\nport_offset = -1\nnonsense = 1\n[directory]\nconcurrent_hashes = "x"\n'
    )
    done = run("up", "--data", str(data))
    assert done.returncode == 2
    for expected in (
        "server.port_offset",
        "server.nonsense",
        "directory.concurrent_hashes",
        str(data / "mailfold.toml"),
    ):
        assert expected in done.stderr


def _damage(data: Path) -> None:
    with sqlite3.connect(data / "store" / "directory.sqlite") as database:
        database.execute("UPDATE account SET quota_bytes = 5")
    database.close()
