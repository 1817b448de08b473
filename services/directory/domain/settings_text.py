"""Edits `mailfold.toml` as text: one value changes, every other line and comment stays."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from services.directory.domain.state import DirectoryRefused

_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]\s*(?:#.*)?$")
_ANY_TABLE = re.compile(r"\s*\[")


def with_value(text: str, name: str, value: Any) -> str:
    """The file's text with `section.setting` set.

    Raises DirectoryRefused when the file is written in a way that cannot be edited safely.
    """
    _readable(text)
    section, _, field = name.partition(".")
    lines = text.removesuffix("\n").split("\n") if text else []  # not splitlines, which splits at U+2028 too
    edited = "\n".join(_edited(lines, section, field, f"{field} = {_literal(value)}")) + "\n"
    if not _is_same_but(text, edited, section, field, value):
        raise DirectoryRefused(
            "invalid", f"mailfold.toml is written in a way that cannot be edited safely: set {name} there by hand"
        )
    return edited


def _readable(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DirectoryRefused("invalid", f"mailfold.toml cannot be read: {error}. Mend it by hand") from error


def _edited(lines: list[str], section: str, field: str, line: str) -> list[str]:
    start = next(
        (number for number, text in enumerate(lines) if (table := _TABLE.match(text)) and table[1] == section), None
    )
    if start is None:
        return [*lines, *([""] if lines and lines[-1].strip() else []), f"[{section}]", line]
    end = next((number for number in range(start + 1, len(lines)) if _ANY_TABLE.match(lines[number])), len(lines))
    place = next((number for number in range(start + 1, end) if _sets(lines[number], field)), None)
    if place is not None:
        return [*lines[:place], line + _comment(lines[place]), *lines[place + 1 :]]
    last = max(number for number in range(start, end) if lines[number].strip())
    return [*lines[: last + 1], line, *lines[last + 1 :]]


def _sets(line: str, field: str) -> bool:
    name, equals, _value = line.partition("=")
    return bool(equals) and name.strip() == field


def _comment(line: str) -> str:
    """The comment after a plain value, so that it can be kept."""
    value = re.match(r"\s*\w+\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\"'#\[]+?|\[[^\]#]*\])(\s*#.*)$", line)
    return value[1] if value else ""


def _literal(value: Any) -> str:
    """A value as TOML. Its basic strings escape the characters that JSON escapes, and DEL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_literal(line) for line in value) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _is_same_but(before: str, after: str, section: str, field: str, value: Any) -> bool:
    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        return False
    old.setdefault(section, {})[field] = list(value) if isinstance(value, tuple) else value
    return old == new
