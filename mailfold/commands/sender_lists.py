"""The commands of `mailfold block …` and `mailfold allow …`, which differ in their list alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call
from mailfold.commands.printing import as_json
from mailfold.operator.failure import CommandFailed

_CONTRACT = "Blocking"
_AT_ONCE = 500
_PAGE = 1_000
_MOST_MISTAKES = 20
_LARGEST_FILE = 64 * 1024 * 1024
Account = Annotated[str, Option("--account", help="Only for the mail of this account; else for all mail.")]
Patterns = Annotated[
    list[str],
    Argument(
        "Addresses (bob@x.example), domains (x.example, *.x.example), names with `*` and `?`; to block also networks"
        " (192.0.2.0/24)."
    ),
]
File = Annotated[Path, Argument("A text file with a pattern in each line, and comments after `#`; `-`: the input.")]


def commands_of(name: str, help: str) -> Group:
    """The commands on the list of this name."""
    group = Group(help)

    @group.command()
    def add(patterns: Patterns, account: Account = "", data: Data = DATA, json: Json = False) -> None:
        """Put patterns on the list."""
        _report("added", _change(data, "AddEntries", name, account, patterns), json=json)

    @group.command()
    def remove(patterns: Patterns, account: Account = "", data: Data = DATA, json: Json = False) -> None:
        """Remove patterns from the list."""
        _report("removed", _change(data, "RemoveEntries", name, account, patterns), json=json)

    @group.command("list")
    def list_all(account: Account = "", data: Data = DATA, json: Json = False) -> None:
        """Show the list."""
        _show_list(list(_all(data, name, account)), json=json)

    @group.command("import")
    def import_file(file: File, account: Account = "", data: Data = DATA, json: Json = False) -> None:
        """Put every pattern of a text file on the list. When a line is no pattern, nothing is added."""
        _report("added", _change(data, "AddEntries", name, account, _read(file)), json=json)

    @group.command()
    def export(account: Account = "", data: Data = DATA, json: Json = False) -> None:
        """Write the list as text, with a pattern in each line."""
        patterns = list(_all(data, name, account))
        as_json(patterns) if json else print("".join(f"{pattern}\n" for pattern in patterns), end="")

    return group


def _show_list(patterns: Sequence[str], *, json: bool) -> None:
    if json:
        as_json(patterns)
    else:
        print("\n".join(patterns) if patterns else "there is nothing on the list")


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
