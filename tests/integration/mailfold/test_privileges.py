"""A server that root starts becomes another user, binds ports below 1024, and keeps no other right of root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailfold.supervisor.report import Report
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.parts import nats, unprivileged
from tests.parts.required import needs

SENDER = "friend@honest.example"
BINDING = 1 << 10
"""CAP_NET_BIND_SERVICE."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the user may enter."""
    needs(nats, unprivileged)
    made = Path(tempfile.mkdtemp(prefix="mf-user-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[MailfoldServer]:
    """A server that root started."""
    settings = {"MAILFOLD_SERVER_USER": unprivileged.USER}
    running = MailfoldServer(folder / "data", settings=settings, prefix=unprivileged.prefix())
    running.offset = unprivileged.low_offset()
    with running:
        yield running


@pytest.fixture
def unit_server(folder: Path) -> Iterator[MailfoldServer]:
    """A server that the user started with the right to bind ports, as ops/systemd/mailfold.service does; root runs the
    commands."""
    data = folder / "unit"
    data.mkdir(mode=0o700)
    os.chown(data, uid(), uid())
    running = MailfoldServer(data, prefix=unprivileged.prefix(), start_prefix=unprivileged.with_binding())
    running.offset = unprivileged.low_offset()
    with running:
        yield running


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return server.people.person("ann")


def uid() -> int:
    return pwd.getpwnam(unprivileged.USER).pw_uid


def report_of(server: MailfoldServer) -> Report:
    report = server.report()
    assert report is not None
    return report


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def deliver(server: MailfoldServer, person: Person, subject: str) -> None:
    with server.smtp() as smtp:
        sent = smtp.send(SENDER, [person.address], f"Subject: {subject}\r\n\r\nhello\r\n".encode())
    assert sent.code == 250
    server.settled()
    with server.imap(person) as imap:
        imap.select("INBOX")
        assert imap.uids("SUBJECT", subject)


def test_no_process_is_root(server: MailfoldServer) -> None:
    report = report_of(server)
    for pid in (report.supervisor, *(process.pid for process in report.processes)):
        status = status_of(pid)
        assert set(status["Uid"].split()) == {str(uid())}
        assert "0" not in {*status["Gid"].split(), *status["Groups"].split()}
        assert status["NoNewPrivs"] == "1"


def test_of_root_only_the_binding_of_ports_is_left_and_only_where_it_is_needed(server: MailfoldServer) -> None:
    report = report_of(server)
    expected = {"nats": 0, "mind": 0, "core": BINDING, "edge": BINDING}
    result = {process.name: process.pid for process in report.processes}
    assert result.keys() == expected.keys()
    for name, pid in {**result, "launcher": report.supervisor}.items():
        status = status_of(pid)
        allowed = expected.get(name, BINDING)
        assert {int(status[kind], 16) for kind in ("CapPrm", "CapEff")} == {allowed}, name
        assert {int(status[kind], 16) for kind in ("CapInh", "CapAmb")} == {0}, name


def test_mail_flows_on_low_ports_and_a_killed_process_comes_back(server: MailfoldServer, ann: Person) -> None:
    """A process that was never root binds the port again."""
    assert server.port(25) < 1024
    deliver(server, ann, "before")
    before = {process.name: process.pid for process in report_of(server).processes}
    for name in ("edge", "core"):
        os.kill(before[name], signal.SIGKILL)
        until(lambda name=name: _is_back(server, name, before[name]), f"{name} is back", 60)  # type: ignore[misc]
    until(lambda: server.status()["ready"], "everything answers", 60)
    deliver(server, ann, "after")
    test_no_process_is_root(server)


def test_what_is_made_is_the_users_and_the_operators_tokens_are_not(server: MailfoldServer) -> None:
    files = {path: path.lstat() for path in (server.data, *server.data.rglob("*"))}
    others = [path for path, result in files.items() if result.st_uid != uid()]
    assert others == [server.places.operator]
    assert files[server.places.operator].st_uid == 0
    assert files[server.places.operator].st_mode & 0o777 == 0o600
    assert files[server.data].st_mode & 0o777 == 0o700


def test_a_process_of_the_user_cannot_look_into_another_nor_read_the_operators_tokens(server: MailfoldServer) -> None:
    """An attacker in one process cannot read the others, although they run as the same user."""
    report = report_of(server)
    own = [process.pid for process in report.processes if process.name != "nats"]
    files = [f"/proc/{pid}/{file}" for pid in (report.supervisor, *own) for file in ("mem", "environ", "maps", "fd/0")]
    for file in (*files, str(server.places.operator)):
        assert _as_user("head", "-c", "1", file) != 0, file
    assert _as_user("head", "-c", "1", str(server.places.operator.parent / "bus.json")) == 0


def test_the_command_of_root_works_and_leaves_no_file_of_root(server: MailfoldServer) -> None:
    """Beside the running server, and with a stopped one, where it opens the databases itself."""
    server.command("domain", "add", "running.example")
    server.stop()
    server.command("domain", "add", "stopped.example")
    server.command("settings", "set", "directory.failure_seconds", "700")
    test_what_is_made_is_the_users_and_the_operators_tokens_are_not(server)
    server.start()
    names = {entry["name"] for entry in server.command.json("domain", "list")}
    assert {"running.example", "stopped.example"} <= names


def test_started_as_a_service_of_the_user_nothing_but_the_binding_is_left_either(unit_server: MailfoldServer) -> None:
    """The capability comes from outside, and nats-server does not inherit it."""
    server = unit_server
    test_no_process_is_root(server)
    test_of_root_only_the_binding_of_ports_is_left_and_only_where_it_is_needed(server)
    deliver(server, server.people.person("ann"), "service")
    others = [path for path in (server.data, *server.data.rglob("*")) if path.lstat().st_uid != uid()]
    assert others == []
    server.command("domain", "add", "running.example")


def _is_back(server: MailfoldServer, name: str, before: int) -> bool:
    now = next(process for process in report_of(server).processes if process.name == name)
    return now.pid not in (0, before) and now.state == "running"


def _as_user(*words: str) -> int:
    """The exit status of a program that the user runs."""
    done = subprocess.run(words, user=uid(), group=uid(), extra_groups=[], capture_output=True, check=False)
    return done.returncode
