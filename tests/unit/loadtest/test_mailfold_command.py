"""How the load test reads the output of the command `mailfold`."""

from __future__ import annotations

from loadtest import mailfold_command

STATUS = {
    "ready": True,
    "processes": [
        {"name": "edge", "pid": 11, "services": ["ingress", "console"]},
        {"name": "nats-server", "pid": 12, "services": []},
        {"name": "mind", "pid": None, "services": ["indexer"]},
    ],
    "listeners": [],
}


def test_processes_are_named_with_their_services() -> None:
    server = mailfold_command.processes(STATUS, root=10)
    assert server.names == {11: "edge (ingress, console)", 12: "nats-server"}
    assert server.roots == {10, 11, 12}


def test_a_server_that_names_nobody_has_no_processes() -> None:
    assert mailfold_command.processes({"ready": False}).roots == frozenset()


def test_the_repository_comes_first_on_the_path() -> None:
    environment = mailfold_command.environment({"MAILFOLD_X": "1"})
    assert environment["PYTHONPATH"].startswith(str(mailfold_command.ROOT)) and environment["MAILFOLD_X"] == "1"
