"""The AsyncAPI document that describes the bus."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from faststream import AckPolicy

from shared.bus import asyncapi
from shared.bus.subjects import DURABLES, STREAMS

_ROOT = Path(__file__).resolve().parents[4]


def test_it_names_every_event_and_every_durable() -> None:
    operations = json.loads(asyncapi.document())["operations"]
    sent = {f"{event.area}.{event.name}" for stream in STREAMS for event in stream.subjects}
    assert {name for name, operation in operations.items() if operation["action"] == "send"} == sent
    assert {name for name, operation in operations.items() if operation["action"] == "receive"} == {
        durable.name for durable in DURABLES
    }


def test_it_is_the_same_each_time() -> None:
    assert asyncapi.document() == asyncapi.document()


def test_no_subscriber_has_the_default_policy_that_ends_messages() -> None:
    assert asyncapi.ACK_POLICY is AckPolicy.MANUAL


def test_faststream_is_imported_nowhere_else() -> None:
    """Other uses could bring its default acknowledgement policy, and its memory, into a service."""
    files = [file for room in ("mailfold", "services", "shared") for file in (_ROOT / room).rglob("*.py")]
    users = [file.relative_to(_ROOT).as_posix() for file in files if "faststream" in _imports(file)]
    assert users == ["shared/bus/asyncapi.py"]


def _imports(file: Path) -> set[str]:
    """The top-level packages that a file imports."""
    result = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            result |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            result.add(node.module.partition(".")[0])
    return result
