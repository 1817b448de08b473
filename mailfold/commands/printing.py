"""How commands print: tables for people, JSON for programs.

What is printed for people has no control characters, because much of it was written by strangers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mailfold.texts import printable


def as_json(value: Any) -> None:
    """Print one JSON document."""
    import orjson

    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str = "there is nothing") -> None:
    """Print a table. In a pipe its lines are as long as their words and not cut."""
    if not rows:
        print(empty)
        return
    texts = [[printable(_text(value)) for value in row] for row in rows]
    if sys.stdout.isatty():
        _draw_table(columns, texts)
        return
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for row in [list(columns), *texts]:
        print("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


def _draw_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*row)
    Console(highlight=False, markup=False, emoji=False).print(shown)


def record(values: Mapping[str, object]) -> None:
    """Print one object, with a line for each of its attributes."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        print(f"{name:<{width}}  {printable(_text(value), keep_lines=True)}")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {text}" for name, text in value.items())
    return str(value)
