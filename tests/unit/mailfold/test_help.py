"""Every command explains itself and each of its words, and speaks JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from mailfold.command_line import app

WITHOUT_JSON = {"up", "demo"}
"""They serve until they are stopped."""


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    yield name, command
    for word, one in getattr(command, "commands", {}).items():
        yield from commands(one, f"{name} {word}".strip())


ALL = dict(commands(typer.main.get_command(app)))
LEAVES = {name: one for name, one in ALL.items() if not getattr(one, "commands", None)}


def test_every_promised_command_is_there() -> None:
    each = {
        f"{kind} {word}"
        for kind in ("domain", "user", "account", "alias")
        for word in ("add", "list", "show", "remove", "disable", "enable")
    }
    rest = WITHOUT_JSON | {
        "status",
        "trace",
        "events",
        "verify",
        "rebuild",
        "settings show",
        "settings set",
        "user password",
        "account quota",
    }
    assert set(LEAVES) == each | rest | {f"deadletters {word}" for word in ("list", "show", "retry")} | {
        "domain incoming"
    }


@pytest.mark.parametrize("name", ALL)
def test_every_command_and_word_is_explained(name: str) -> None:
    command = ALL[name]
    assert command.help
    assert [one.name for one in command.params if not getattr(one, "help", None)] == []


@pytest.mark.parametrize("name", sorted(LEAVES.keys() - WITHOUT_JSON))
def test_every_command_speaks_json_and_takes_the_folder(name: str) -> None:
    options = {option for one in LEAVES[name].params for option in one.opts}
    assert {"--json", "--data"} <= options
