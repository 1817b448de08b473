"""Reads the cases of tests/cases/sieve (the README there describes the format) and runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shared.protocol.sieve import run as runner
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.execution import run_script
from shared.protocol.sieve.mail.message import message_in_memory
from shared.protocol.sieve.outcome import ScriptOutcome

FOLDER = Path(__file__).parents[4] / "cases" / "sieve"
INCLUDED = FOLDER / "included"
"""The scripts that cases include, personal and global."""
_LASTING = ("message", "require", "given")
_SPACE = re.compile(r"\s+")


class Case(NamedTuple):
    """A case: its name, and its sections with those that last from earlier cases."""

    name: str
    sections: dict[str, str]


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of a file."""
    lasting: dict[str, str] = {}
    for text in re.split(r"^== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, rest = text.partition("\n")
        parts = re.split(r"^-- (\w+)\n", rest, flags=re.MULTILINE)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        lasting |= {name: value for name, value in sections.items() if name in _LASTING}
        if len(sections.keys() - set(_LASTING)):
            yield Case(f"{path.stem}: {title}", lasting | sections)


def all_cases(pattern: str = "*.case") -> list[Case]:
    """The cases of all files, in order."""
    return [case for path in sorted(FOLDER.glob(pattern)) for case in read_cases(path)]


def given(case: Case) -> list[str]:
    """The options of the runner."""
    options = ["script", "--message", "message", f"--personal={INCLUDED}", f"--global={INCLUDED}"]
    for line in case.sections.get("given", "").splitlines():
        if line.strip():
            name, _, value = line.strip().partition(" ")
            options.append(f"{name}={value}" if value else name)
    return options


def decide(case: Case, script: str, with_account: bool = False) -> ScriptOutcome:
    """Run a script over the case's message."""
    options = runner.command_line().parse_args(given(case))
    message = message_in_memory(case.sections.get("message", "").replace("\n", "\r\n").encode())
    envelope = runner.envelope_of(options, message)
    return run_script(
        compile_script(script.encode()),
        message,
        envelope,
        runner.environment_of(options, envelope),
        runner.answers_of(options),
        with_account=with_account,
    )


def described(action: msgspec.Struct) -> str:
    """An action on one line: its name, its first field, and the others that are not empty."""
    values: dict[str, Any] = msgspec.to_builtins(action)
    edits = values.pop("edits", None)
    name = values.pop("action")
    values.pop("line", None)
    if name == "vacation":
        values.pop("memory")
    words = [name]
    for field, value in values.items():
        if field in ("mailbox", "address") and value:
            words.append(value)
        elif value is True:
            words.append(field)
        elif value not in ("", None, [], ()):
            words.append(f"{field}={_plain(value)}")
    if edits:
        words.append(_edited(action.edits))  # type: ignore[attr-defined]
    return " ".join(words)


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_plain, value))
    if isinstance(value, dict):
        return "(" + " ".join(f"{name}={_plain(item)}" for name, item in value.items()) + ")"
    return _SPACE.sub(" ", str(value)).strip()


def _edited(edits: Any) -> str:
    words = [f"+{line.decode().strip()}" for line in (*edits.top, *edits.bottom)]
    words += [f"-{number}" for number in edits.deleted]
    words += ["new content"] if edits.content is not None else []
    return "[" + "; ".join(words) + "]"
