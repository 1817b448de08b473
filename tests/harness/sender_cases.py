"""Reads the cases of `tests/unit/shared/routing/sender_cases.txt`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.harness.command import ROOT

_FILE = Path(ROOT) / "tests/unit/shared/routing/sender_cases.txt"


class SenderCase(msgspec.Struct, frozen=True):
    """A question: may a user send with this reverse-path, or with these fields?"""

    number: int
    user: str
    reverse_path: str
    """Empty: the null reverse-path."""
    header: bytes
    """The fields, each with CRLF."""
    answer: str
    """`yes`, `no` or `unclear`."""


def changes() -> list[tuple[str, ...]]:
    """The words of the lines that set up the directory."""
    return [tuple(line[2:].split()) for line in _lines() if line.startswith("+ ")]


def cases() -> list[SenderCase]:
    """All questions."""
    return [_case(number, line) for number, line in enumerate(_lines(), 1) if line and line[0] not in "#+"]


def _lines() -> list[str]:
    return _FILE.read_text().splitlines()


def _case(number: int, line: str) -> SenderCase:
    question, equals, answer = line.rpartition(" = ")
    assert equals and answer in ("yes", "no", "unclear"), f"line {number} has no answer"
    user, _, asked = question.partition(" ")
    if asked.startswith("MAIL "):
        return SenderCase(number, user, asked[5:], b"", answer)
    header = b"".join(field.encode() + b"\r\n" for field in asked.split(" | "))
    return SenderCase(number, user, "", header, answer)
