"""The product's source code, as the architecture tests read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("shared", "services", "mailfold")


class Source(NamedTuple):
    """One Python file."""

    name: str
    text: str
    tree: ast.Module

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.removesuffix(".py").split("/"))

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and module of every import, also those inside functions."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.lineno, node.module


@cache
def sources(*tops: str) -> tuple[Source, ...]:
    """Every file of the product that people write (not shared/rpc)."""
    result = []
    for top in tops or PRODUCT:
        for path in sorted((ROOT / top).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("shared/rpc/"):
                text = path.read_text("utf-8")
                result.append(Source(name, text, ast.parse(text)))
    return tuple(result)
