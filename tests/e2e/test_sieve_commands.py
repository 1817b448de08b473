"""Sieve scripts by command: as the operator, as their owner, and not as anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.command import Command, CommandFailed
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

FILE = 'require "fileinto";\n# für alle\nfileinto "Spam";\n'
WRONG = 'require "fileinto";\nfil;\nfileinto;\n'


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A file with a script."""
    path = tmp_path / "main.sieve"
    path.write_text(FILE)
    return path


def refused(server: MailfoldServer, *words: str, text: str = "") -> str:
    """What a command says that is refused."""
    with pytest.raises(CommandFailed, match="exit 1") as failure:
        server.command(*words, text=text)
    return str(failure.value)


def listing(server: MailfoldServer) -> list[str]:
    """The lines of the scripts that run over mail."""
    return server.command("sieve", "list").splitlines()


def test_the_operator_keeps_the_scripts_of_an_account(server: MailfoldServer, script: Path) -> None:
    ann = server.people.person("ann").address
    put = server.command.json("sieve", "put", ann, "main", str(script), "--activate")
    assert (put["changed"], put["script"]["places"], put["script"]["requires"]) == (True, ["active"], ["fileinto"])
    assert server.command("sieve", "get", ann) == FILE
    again = server.command.json("sieve", "put", ann, "main", str(script), "--activate")
    assert (again["changed"], again["script"]["change"]) == (False, put["script"]["change"])
    server.command("sieve", "put", ann, "main", "-", text="keep;\n")
    difference = server.command("sieve", "diff", ann, "main")
    assert '-fileinto "Spam";\n' in difference
    assert "+keep;\n" in difference
    assert "is active" in refused(server, "sieve", "delete", ann, "main")
    server.command("sieve", "rename", ann, "main", 'at "work"')
    server.command("sieve", "revert", ann, 'at "work"', put["script"]["change"])
    (listed,) = server.command.json("sieve", "list", ann)
    assert (listed["name"], listed["places"], listed["digest"]) == ('at "work"', ["active"], put["script"]["digest"])
    changes = server.command.json("sieve", "history", ann, 'at "work"')
    assert [change["type"] for change in changes] == ["put", "renamed", "put", "activated", "put"]
    assert all(change["actor"].startswith("operator ") for change in changes)
    server.command("sieve", "deactivate", ann)
    server.command("sieve", "delete", ann, 'at "work"')
    assert server.command.json("sieve", "list", ann) == []


def test_every_error_is_printed_and_nothing_stored(server: MailfoldServer, tmp_path: Path) -> None:
    ann = server.people.person("ann").address
    wrong = tmp_path / "wrong.sieve"
    wrong.write_text(WRONG)
    said = refused(server, "sieve", "put", ann, "main", str(wrong))
    assert f"{wrong}: line 2, column 1: there is no command fil" in said
    assert f"{wrong}: line 3, column 1: fileinto" in said
    assert server.command.json("sieve", "list", ann) == []
    said = refused(server, "sieve", "check", str(wrong))
    assert "line 2, column 1" in said
    assert "line 3, column 1" in said
    assert "no errors; it requires fileinto" in server.command("sieve", "check", "-", text=FILE)


def test_an_owner_keeps_his_own_scripts_and_nobody_elses(server: MailfoldServer, script: Path) -> None:
    ann, eve = server.people.people("ann", "eve")
    own = ("--as", eve.user)
    server.command(*own, "sieve", "put", eve.address, "main", str(script), "--activate")
    assert server.command(*own, "sieve", "get", eve.address, "main") == FILE
    (change,) = server.command.json(*own, "sieve", "history", eve.address, "--limit", "1")
    assert change["actor"].startswith("user ")
    server.command("sieve", "put", ann.address, "main", str(script))
    for words in (
        ("get", ann.address, "main"),
        ("list", ann.address),
        ("history", ann.address),
        ("put", ann.address, "main", str(script)),
        ("delete", ann.address, "main"),
        ("activate", ann.address, "main"),
        ("list", "server"),
        ("put", "server", "main", str(script)),
        ("list",),
    ):
        refused(server, *own, "sieve", *words)
    assert server.command.json("sieve", "list", ann.address)[0]["places"] == []


def test_the_scripts_of_the_server(server: MailfoldServer, script: Path) -> None:
    name = f"keep {script.parent.name}"
    server.command("sieve", "put", "server", name, "-", "--after", text="# nothing\n")
    (listed,) = (entry for entry in server.command.json("sieve", "list", "server") if entry["name"] == name)
    assert listed["places"] == ["after"]
    ann = server.people.person("ann")
    server.command("sieve", "put", ann.address, "main", str(script), "--activate")
    places = server.command.json("sieve", "list")
    assert {"owner": "server", "address": "", "place": "after", "name": name, "requires": []} in places
    assert {
        "owner": ann.account,
        "address": ann.address,
        "place": "active",
        "name": "main",
        "requires": ["fileinto"],
    } in places
    assert [ann.address, "active", "main", "fileinto"] in [line.split() for line in listing(server)]
    with pytest.raises(CommandFailed, match="which place"):
        server.command("sieve", "activate", "server", name)
    server.command("sieve", "deactivate", "server", "--after")
    server.command("sieve", "delete", "server", name)


def test_the_log_tells_about_scripts(server: MailfoldServer, script: Path) -> None:
    ann = server.people.person("ann")
    server.command("sieve", "put", ann.address, "told", str(script), "--activate")
    octets = len(FILE.encode())

    def told() -> bool:
        shown = server.command("events", "--type", "script", "--json")
        return ann.account in shown and "script.activated" in shown

    until(told, "the log has the events")
    shown = server.command("events", "--type", "script")
    assert f"the script 'told' of {ann.account} has {octets} octets now, which requires fileinto" in shown
    assert f"the script 'told' of {ann.account} is in the place 'active'" in shown


def test_a_check_needs_no_server(tmp_path: Path) -> None:
    data = tmp_path / "nothing"
    done = Command(data).run("sieve", "check", "-", text=WRONG)
    assert (done.status, done.output) == (1, "")
    assert "-: line 3, column 1: fileinto" in done.errors
    assert not data.exists()
