"""Stored event names, subjects, consumers and acknowledgement policies are each declared in one place only."""

from __future__ import annotations

import ast
import re
from collections import Counter

from tests.architecture.source import sources

SUBJECT = re.compile(r"^(mail\.(received|submitted|classified|settled)\.(\*|\d+|>)|mail\.>|doorbell\..*)$")


def strings() -> list[tuple[str, int, str]]:
    return [
        (file.name, node.lineno, node.value)
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_stored_event_names_are_declared_in_shared_events_alone() -> None:
    declared = [
        (file.name, decorator.args[0].value)
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and getattr(decorator.func, "id", "") == "stored"
        and isinstance(decorator.args[0], ast.Constant)
    ]
    assert [name for name, _ in declared if not name.startswith("shared/events/")] == []
    assert [name for name, count in Counter(stored for _, stored in declared).items() if count > 1] == []


def test_subjects_are_spelt_in_one_file() -> None:
    assert [
        f"{name}:{line} {text}"
        for name, line, text in strings()
        if SUBJECT.match(text) and name != "shared/bus/subjects.py"
    ] == []


def test_streams_and_consumers_are_declared_in_one_file() -> None:
    calls = ((file.name, node) for file in sources() for node in file.nodes if isinstance(node, ast.Call))
    result = {name for name, node in calls if getattr(node.func, "id", "") in ("Durable", "Stream")}
    assert result == {"shared/bus/subjects.py"}


def test_nothing_on_the_bus_is_ever_terminated() -> None:
    calls = [
        f"{file.name}:{node.lineno}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.Attribute) and node.attr == "term"
    ]
    assert calls == []


def test_stored_scans_are_read_where_their_version_is_known() -> None:
    """Whoever has a blob gets its scan from `shared.scans`.

    The two exceptions are given a current scan by their caller.
    """
    readers = {
        file.name
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.ImportFrom)
        and node.module == "shared.protocol.message.scan"
        and {alias.name for alias in node.names} & {"decode_scan", "header_end"}
    }
    assert readers == {
        "shared/scans.py",
        "services/access/commands/contents.py",
        "services/mailstore/search/candidate.py",
    }
