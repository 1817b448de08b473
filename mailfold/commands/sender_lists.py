"""The common part of `mailfold block …` and `mailfold allow …`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import Argument, Option
from mailfold.commands.directory import call
from mailfold.commands.printing import as_json
from mailfold.operator.failure import CommandFailed

_CONTRACT = "Blocking"
_AT_ONCE = 500
_PAGE = 1_000
_MOST_MISTAKES = 20
_LARGEST_FILE = 64 * 1024 * 1024
Account = Annotated[str, Option("--account", help="Only for the mail of this account; else for all mail.")]
File = Annotated[Path, Argument("A text file with a pattern in each line, and comments after `#`; `-`: the input.")]


def add(name: str, patterns: Sequence[str], account: str, data: Path, *, json: bool) -> None:
    """Put patterns on a list."""
    _report("added", _change(data, "AddEntries", name, account, patterns), json=json)


def remove(name: str, patterns: Sequence[str], account: str, data: Path, *, json: bool) -> None:
    """Remove patterns from a list."""
    _report("removed", _change(data, "RemoveEntries", name, account, patterns), json=json)


def show_list(name: str, account: str, data: Path, *, json: bool) -> None:
    """Show a list."""
    patterns = list(_all(data, name, account))
    if json:
        as_json(patterns)
    else:
        print("\n".join(patterns) if patterns else "there is nothing on the list")


def import_file(name: str, file: Path, account: str, data: Path, *, json: bool) -> None:
    """Put the patterns of a file on a list."""
    _report("added", _change(data, "AddEntries", name, account, _read(file)), json=json)


def export(name: str, account: str, data: Path, *, json: bool) -> None:
    """Write a list as a text file."""
    patterns = list(_all(data, name, account))
    as_json(patterns) if json else print("".join(f"{pattern}\n" for pattern in patterns), end="")


def _change(data: Path, method: str, name: str, account: str, patterns: Sequence[str]) -> list[str]:
    """Change a list in parts; returns what has changed."""
    changed: list[str] = []
    for start in range(0, len(patterns), _AT_ONCE):
        changed += _changed_part(data, method, name, account, patterns[start : start + _AT_ONCE])
    return changed


def _changed_part(data: Path, method: str, name: str, account: str, part: Sequence[str]) -> Sequence[str]:
    def request(pb: Any) -> Any:
        return pb.BlockingEntriesRequest(account=account, list=name, patterns=part)

    patterns: Sequence[str] = call(data, method, request, _CONTRACT).patterns
    return patterns


def _all(data: Path, name: str, account: str) -> Iterator[str]:
    after, more = "", True
    while more:
        page = _page(data, name, account, after)
        yield from page.patterns
        after, more = page.patterns[-1] if page.patterns else "", page.more


def _page(data: Path, name: str, account: str, after: str) -> Any:
    def request(pb: Any) -> Any:
        return pb.ListBlockingRequest(account=account, list=name, after=after, limit=_PAGE)

    return call(data, "ListEntries", request, _CONTRACT)


def _read(file: Path) -> list[str]:
    """The patterns of a file in canonical form. Raises CommandFailed with the lines of its mistakes."""
    from shared.routing.sender_patterns import PatternError, canonical_pattern

    patterns: dict[str, None] = {}
    mistakes: list[str] = []
    for number, line in enumerate(_lines(file), 1):
        text = line.partition("#")[0].strip()
        try:
            if text:
                patterns[canonical_pattern(text)] = None
        except PatternError as error:
            mistakes.append(f"line {number}: {text[:80]!r}: {error.reason}")
    if mistakes:
        more = f"\nand {len(mistakes) - _MOST_MISTAKES} more" if len(mistakes) > _MOST_MISTAKES else ""
        raise CommandFailed(f"nothing was added from {file}:\n" + "\n".join(mistakes[:_MOST_MISTAKES]) + more)
    return list(patterns)


def _lines(file: Path) -> list[str]:
    try:
        if str(file) == "-":
            return sys.stdin.read(_LARGEST_FILE).splitlines()
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(_LARGEST_FILE).splitlines()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}") from error


def _report(word: str, patterns: Sequence[str], *, json: bool) -> None:
    as_json({word: list(patterns)}) if json else print(
        f"{word} {patterns[0]}" if len(patterns) == 1 else f"{word} {len(patterns)} pattern(s)"
    )
