"""The containers of docker-compose.yml: their health, their walls, and what the operator's command says there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from mailfold.layouts import START_ORDER
from tests.harness.compose_server import ComposeServer
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until


@pytest.fixture
def compose(server: MailfoldServer) -> ComposeServer:
    """The shared server; this file runs only where it is made of containers."""
    return cast(ComposeServer, server)


def sees(compose: ComposeServer, name: str, path: str) -> bool:
    """Whether a container sees a file."""
    return compose.containers.run_program(name, ("test", "-e", path)).returncode == 0


def keys_seen(compose: ComposeServer, name: str) -> set[str]:
    """The files with passwords and tokens that a container sees."""
    done = compose.containers.run_program(name, ("find", "/run/mailfold", "-type", "f"))
    return set(done.stdout.split())


def may_write(compose: ComposeServer, name: str, folder: str) -> bool:
    """Whether a container can make a file in a folder."""
    program = ("sh", "-c", f"touch {folder}/probe && rm {folder}/probe")
    return compose.containers.run_program(name, program).returncode == 0


@pytest.mark.parametrize("service", START_ORDER)
def test_the_health_check_of_a_running_service_succeeds(compose: ComposeServer, service: str) -> None:
    done = compose.containers.check_health(service)
    assert (done.returncode, done.stdout) == (0, "serves\n"), done.stderr


def test_the_health_check_of_a_stopped_service_fails_and_it_comes_back(compose: ComposeServer) -> None:
    compose.stop_container("eventlog")
    assert compose.containers.check_health("eventlog").returncode == 1
    status = compose.status()
    assert not status["ready"]
    assert [process["name"] for process in status["processes"] if process["state"] != "running"] == ["eventlog"]
    compose.start_container("eventlog")
    until(lambda: compose.status()["ready"], "the event log's return")


def test_a_repeated_set_up_changes_nothing(compose: ComposeServer) -> None:
    volumes = [compose.containers.volume(f"keys-{name}") for name in (*START_ORDER, "operator", "postgres", "bus")]
    before = {file: file.read_bytes() for volume in volumes for file in volume.iterdir()}
    url = compose.containers.volume("keys-store") / "url"
    ours = url.read_bytes()
    done = compose.containers.run("prepare", ("container", "prepare", "--json"))
    url.write_bytes(ours)  # the test has named another database
    assert json.loads(done.stdout) == {"written": ["/run/mailfold/store/url"]}
    assert {file: file.read_bytes() for file in before} == before


def test_no_service_sees_the_keys_of_another(compose: ComposeServer) -> None:
    shared = {"/run/mailfold/bus/password", "/run/mailfold/store/url"}
    assert keys_seen(compose, "mailfold") == {*shared, "/run/mailfold/operator/operator.json"}
    for service in START_ORDER:
        assert keys_seen(compose, service) - shared == {f"/run/mailfold/{service}/credentials.json"}


def test_no_service_can_pose_as_another_or_change_its_code(compose: ComposeServer) -> None:
    assert may_write(compose, "directory", "/var/lib/mailfold/run/directory")
    assert sees(compose, "ingress", "/var/lib/mailfold/run/directory/rpc.sock")
    for folder in ("/var/lib/mailfold/run/directory", "/run/mailfold/ingress", "/etc/mailfold", "/opt/mailfold", "/"):
        assert not may_write(compose, "ingress", folder), folder
    assert not sees(compose, "ingress", "/var/lib/mailfold/run/outbound/rpc.sock")


def test_a_setting_is_written_for_all_and_apply_says_what_to_do(compose: ComposeServer) -> None:
    compose.command("settings", "set", "outbound.undo_seconds", "0")
    settings = compose.containers.run_program("ingress", ("cat", "/etc/mailfold/mailfold.toml"))
    assert "undo_seconds" in settings.stdout
    ended = compose.command.run("settings", "apply")
    assert ended.status == 2 and "`docker compose restart`" in ended.errors


def test_up_leaves_containers_to_the_engine(compose: ComposeServer) -> None:
    ended = compose.command.run("up")
    assert ended.status == 2 and "docker compose up" in ended.errors


def test_a_service_without_credentials_says_who_makes_them(compose: ComposeServer) -> None:
    done = compose.containers.run("ingress", ("container", "serve", "outbound"))
    assert done.returncode == 2 and "`mailfold container prepare` makes it" in done.stderr


def test_logs_hold_no_secret(compose: ComposeServer) -> None:
    files = [compose.containers.volume(f"keys-{name}") / "password" for name in ("postgres", "bus")]
    secrets = [Path(file).read_text("ascii") for file in files]
    logs = [compose.containers.log(service).read_text("utf-8") for service in START_ORDER]
    assert all(logs) and not [secret for secret in secrets for log in logs if secret in log]


def test_a_service_knows_the_events_of_all_others(compose: ComposeServer) -> None:
    """The mailstore follows the directory's events; one that no module declares would make it doubt its copy."""
    person = compose.people.person("every")
    with compose.imap(person) as imap:
        imap.select("INBOX")
    compose.command("account", "all-mail", person.address, "on")
    with compose.imap(person) as imap:
        until(lambda: b"All Mail" in b"".join(imap.connection.list()[1]), "All Mail in LIST")
