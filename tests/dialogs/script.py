"""Reads dialog scripts; README.md describes the format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ANYTHING = "…"
_NAME = re.compile(r"<<(\w+)>>")


class Act(Enum):
    """What happens in a step."""

    SEND = "C"
    EXPECT = "S"
    EXPECT_LATER = "S*"
    TLS = "TLS"
    CLOSED = "CLOSED"
    TIMEOUT = "TIMEOUT"
    OUTCOME = "="
    SESSION = "SESSION"


@dataclass(frozen=True)
class Step:
    """One line of a script."""

    number: int
    act: Act
    data: bytes = b""


@dataclass(frozen=True)
class Script:
    """A dialog with one listener."""

    name: str
    listener: str
    steps: tuple[Step, ...]


class BadScript(ValueError):
    """A line that is not in the format."""


def scripts(folder: Path) -> list[Path]:
    """All scripts of a folder, by a glob pattern."""
    return sorted(folder.glob("*.txt"))


def read_script(path: Path, values: Mapping[str, str]) -> Script:
    """Read a script. Raises BadScript."""
    lines = list(_lines(path, values))
    if not lines or not lines[0][1].startswith("CONNECT "):
        raise BadScript(f"{path.name}: the first line is not CONNECT")
    steps = tuple(_step(path, number, line) for number, line in lines[1:])
    return Script(path.stem, lines[0][1].removeprefix("CONNECT ").strip(), steps)


def _lines(path: Path, values: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            yield number, _NAME.sub(lambda result: values[result[1]], line)


def _step(path: Path, number: int, line: str) -> Step:
    mark, _, text = line.partition(" ")
    match mark:
        case "C:":
            return Step(number, Act.SEND, text.encode() + b"\r\n")
        case "C!":
            return Step(number, Act.SEND, eval(text, {"__builtins__": {}}))
        case "S:":
            return Step(number, Act.EXPECT, text.encode() + b"\r\n")
        case "S!":
            return Step(number, Act.EXPECT, eval(text, {"__builtins__": {}}))
        case "S*":
            return Step(number, Act.EXPECT_LATER, text.encode() + b"\r\n")
        case "=" | "SESSION":
            return Step(number, Act(mark), text.encode())
        case "TLS" | "CLOSED" | "TIMEOUT":
            return Step(number, Act(mark))
    raise BadScript(f"{path.name}:{number}: {line}")
