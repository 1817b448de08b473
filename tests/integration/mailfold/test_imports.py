"""A command imports only what it needs, because imports take most of its time.

Modules are counted in a new interpreter, because times would depend on the machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailfold.launcher.credentials import operator_tokens
from mailfold.layouts import START_ORDER
from shared.places import Places
from tests.integration.directory.conftest import Running
from tests.parts import nats
from tests.parts.required import needs

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import json, sys
from mailfold.command_line import run
sys.stdout = open(sys.argv[1], "w")
code = run(sys.argv[2:])
sys.__stdout__.write(json.dumps([code, sorted(sys.modules)]))
"""
HEAVY = {
    "apsw",
    "argon2",
    "cryptography",
    "faststream",
    "markdown_it",
    "nats",
    "numpy",
    "psycopg",
    "pydantic",
    "rich",
    "sqlalchemy",
    "structlog",
    "typer",
    "uvloop",
    "zstandard",
}
"""What services consist of."""
SERVERS = {"shared.grpc.remote", "shared.grpc.servicers", "shared.service", "mailfold.catalogue"}
ASKING = {"asyncio", "grpc", "google", "msgspec", "orjson"}
"""What a call to a running service needs."""
ON_DIRECTORY = [
    ["domain", "list"],
    ["domain", "add", "example.org", "--incoming"],
    ["user", "add", "ann", "--password-stdin"],
    ["account", "add", "ann@example.org", "--user", "ann"],
    ["account", "list"],
    ["alias", "add", "info@example.org", "ann@example.org"],
    ["alias", "list"],
    ["dkim", "show", "example.org"],
    ["relay", "set", "default", "smarthost", "--host", "relay.example"],
    ["relay", "list"],
    ["secrets", "show"],
    ["settings", "show"],
    ["settings", "set", "directory.failure_seconds", "700"],
]


def imported(words: list[str], folder: Path) -> tuple[int, set[str]]:
    """The exit code of a command, and the modules that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "output"), *words],
        input=b"correct horse\n",
        capture_output=True,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    code, modules = json.loads(done.stdout)
    return code, set(modules)


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["domain"],
        ["domain", "add", "--help"],
        ["nosuch"],
        ["domain", "add"],
        ["queue", "hold", "--help"],
        ["queue", "hold-rule"],
        ["queue", "bounce"],
        ["sink", "--help"],
    ],
)
def test_what_asks_nobody_imports_nothing(words: list[str], tmp_path: Path) -> None:
    _, modules = imported(words, tmp_path)
    assert packages(modules) & (HEAVY | ASKING) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["trace", "q1"],
        ["events"],
        ["queue", "list"],
        ["queue", "show", "q1"],
        ["queue", "retry", "--all"],
        ["queue", "pause"],
        ["queue", "hold-rule", "list"],
        ["test-mail", "--from", "ann@example.org", "--to", "bob@example.org"],
    ],
)
def test_where_nothing_runs_it_is_said_at_once(words: list[str], tmp_path: Path) -> None:
    code, modules = imported([*words, "--data", str(tmp_path / "data")], tmp_path)
    assert code == 2
    assert packages(modules) & HEAVY == set() and modules & SERVERS == set()


@pytest.fixture
async def running(tmp_path: Path, nats_server: nats.NatsServer) -> AsyncIterator[Running]:
    needs(nats)
    directory = Running(tmp_path / "data", nats_server.url, {})
    await directory.start()
    yield directory
    await directory.stop()


async def test_questions_to_a_running_service_import_none_of_its_parts(running: Running, tmp_path: Path) -> None:
    import asyncio

    for words in (*ON_DIRECTORY, ["deadletters", "list"]):
        where = ["--data", str(running.places.data)]
        code, modules = await asyncio.to_thread(imported, [*words, *where], tmp_path)
        if words[0] != "deadletters":  # the other owners do not run, so the command hosts them
            assert code == 0, words
            assert (words, packages(modules) & HEAVY, modules & SERVERS) == (words, set(), set())


def test_the_settings_of_a_stopped_server_need_no_service(tmp_path: Path) -> None:
    """The directory, which the command hosts, needs its store; the settings of the others need none of their code."""
    places = Places(tmp_path / "data")
    places.make()
    operator_tokens(places, START_ORDER, lambda: "token")
    code, modules = imported(["domain", "list", "--data", str(places.data)], tmp_path)
    assert code == 0
    assert packages(modules) & {"numpy", "faststream", "typer", "uvloop", "markdown_it"} == set()
    assert not any(
        module.startswith(("services.ingress.", "services.classifier.")) and "settings" not in module
        for module in modules
    )
