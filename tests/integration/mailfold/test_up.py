"""`mailfold up` from start to stop, and commands that run meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.ports import free_offset
from tests.parts import nats
from tests.parts.required import needs

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mailfold", *arguments]


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), input=text, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )


class Server:
    """One start of the server."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self.output, self.errors = data.parent / "up.out", data.parent / "up.err"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command(*arguments, "--data", str(data), "--port-offset", str(free_offset())),
                stdout=output,
                stderr=errors,
                cwd=ROOT,
                start_new_session=True,
            )

    def wait(self, said: str = "serves from") -> str:
        deadline = time.monotonic() + PATIENCE
        while said not in self.output.read_text():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self.output.read_text()

    def said(self) -> str:
        """Its output and, behind it, its errors, among them the progress of a start that takes long."""
        return self.output.read_text() + self.errors.read_text()

    def status(self) -> Any:
        return json.loads(run("status", "--json", "--data", str(self.data)).stdout)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture(params=["small", "split"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    needs(nats)
    running = Server(tmp_path / "data", "up", "--layout", request.param)
    running.wait()
    yield running
    running.stop(signal.SIGKILL)


def test_up_status_and_down(server: Server) -> None:
    report = server.status()
    assert report["ready"]
    assert {"smtp", "submission", "submissions", "imaps"} <= {listener["protocol"] for listener in report["listeners"]}
    for listener in report["listeners"]:
        socket.create_connection((listener["address"], listener["port"]), 5).close()
    where = ("--data", str(server.data))
    assert run("domain", "add", "example.org", *where).returncode == 0
    for command_line, said in (
        (["deadletters", "list"], "there are no dead letters"),
        (["verify"], "everything is what its events say"),
    ):
        done = run(*command_line, *where)
        assert (done.returncode, said in done.stdout) == (0, True), done.stderr
    second = run("up", *where)
    assert (second.returncode, "runs already" in second.stderr) == (2, True)
    pids = [listener["pid"] for listener in report["processes"]]
    assert server.stop() == 0
    assert not [pid for pid in pids if _alive(pid)]
    assert run("status", *where).returncode == 2
    assert "example.org" in run("domain", "list", *where).stdout


def test_a_killed_launcher_leaves_nobody_behind(server: Server) -> None:
    pids = [process["pid"] for process in server.status()["processes"]]
    server.stop(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while [pid for pid in pids if _alive(pid)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_process_comes_back(server: Server) -> None:
    victim = next(process for process in server.status()["processes"] if "directory" in process["services"])
    os.kill(victim["pid"], signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while not any(
        process["name"] == victim["name"] and process["restarts"] == 1 and process["state"] == "running"
        for process in server.status()["processes"]
    ):
        assert time.monotonic() < deadline
    assert run("domain", "list", "--data", str(server.data)).returncode == 0


def test_demo_prints_all_that_is_needed(tmp_path: Path) -> None:
    needs(nats)
    first = Server(tmp_path / "data", "demo")
    try:
        text = first.wait()
        people = json.loads((first.data / "demo.json").read_text())
        assert [person["address"] for person in people] == ["ann@example.test", "bob@example.test"]
        assert (first.data / "demo.json").stat().st_mode & 0o777 == 0o600
        deadline = time.monotonic() + PATIENCE
        while "A mail client" not in (text := first.output.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert all(person["password"] in text for person in people)
        assert str(first.data / "tls" / "ca.pem") in text
    finally:
        assert first.stop() == 0


def test_a_port_that_is_taken_ends_the_start_with_the_reason(tmp_path: Path) -> None:
    needs(nats)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        offset = taken.getsockname()[1] - 25
        done = run("up", "--data", str(tmp_path / "data"), "--port-offset", str(offset))
    assert done.returncode == 1
    assert "giving up" in done.stderr


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("word", ["up", "demo"])
def test_a_finished_start_is_reported_as_json(tmp_path: Path, word: str) -> None:
    needs(nats)
    server = Server(tmp_path / "data", word, "--json")
    try:
        report = json.loads(server.wait("\n}\n"))
        reported = report if word == "up" else report["status"]
        assert reported["ready"]
        assert {"smtp", "imaps"} <= {listener["protocol"] for listener in reported["listeners"]}
        if word == "demo":
            assert report["people"] == json.loads((server.data / "demo.json").read_text())
            assert Path(report["authority"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    finally:
        assert server.stop(signal.SIGINT) == 0


def greeting(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        return connection.recv(1000).decode()


def test_a_changed_host_name_takes_effect_without_a_new_start_of_the_server(server: Server) -> None:
    before = server.status()
    (port,) = {listener["port"] for listener in before["listeners"] if listener["protocol"] == "smtp"}
    assert run("settings", "set", "server.hostname", "mx.example.net", "--data", str(server.data)).returncode == 0
    assert "mx.example.net" not in greeting(port)
    applied = run("settings", "apply", "--json", "--data", str(server.data))
    assert applied.returncode == 0, applied.stderr
    services = {process["name"] for process in before["processes"] if process["services"]}
    assert set(json.loads(applied.stdout)["restarted"]) == services
    assert greeting(port).startswith("220 mx.example.net ")
    (server.data / "mailfold.toml").write_text("[server]\nhostname = 5\n")
    refused = run("settings", "apply", "--data", str(server.data))
    assert (refused.returncode, "server.hostname" in refused.stderr) == (2, True)
    assert greeting(port).startswith("220 mx.example.net ")
    assert server.stop() == 0
