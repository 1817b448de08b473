"""Reads the cases of `tests/unit/shared/routing/resolution_cases.txt`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.harness.command import ROOT

_FILE = Path(ROOT) / "tests/unit/shared/routing/resolution_cases.txt"


class CaseLine(msgspec.Struct, frozen=True):
    """A line of a section: a change of the directory, or a question with its answer."""

    number: int
    words: tuple[str, ...]
    """The words of a change or of a question."""
    answer: str = ""
    """Empty for a change."""


class CaseSection(msgspec.Struct, frozen=True):
    """Lines that begin with an empty directory."""

    title: str
    lines: tuple[CaseLine, ...]


def sections() -> list[CaseSection]:
    """All sections of the file."""
    titles: list[str] = []
    lines: dict[str, list[CaseLine]] = {}
    for number, line in enumerate(_FILE.read_text().splitlines(), 1):
        if line.startswith("## "):
            titles.append(line[3:])
            lines[titles[-1]] = []
        elif line and not line.startswith("#"):
            lines[titles[-1]].append(_line(number, line))
    return [CaseSection(title, tuple(lines[title])) for title in titles]


def _line(number: int, line: str) -> CaseLine:
    if line.startswith("+ "):
        return CaseLine(number, tuple(line[2:].split()))
    question, _, answer = line.partition(" = ")
    assert answer, f"line {number} has no answer"
    return CaseLine(number, tuple(question.split()), " ".join(answer.split()))


def described(kind: str, targets: Iterator[str] | tuple[str, ...], detail: str) -> str:
    """An answer in the form of the file; the order of targets does not matter."""
    text = " ".join(sorted(targets)) if kind == "accounts" else kind
    return f"{text} | {detail}" if detail else text


def expected(answer: str) -> str:
    """An answer of the file in the same form."""
    text, separator, detail = answer.partition(" | ")
    return " ".join(sorted(text.split())) + (separator + detail)
