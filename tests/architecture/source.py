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
    nodes: tuple[ast.AST, ...]
    """Every node of the tree, found once for all tests."""

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.removesuffix(".py").split("/"))

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and module of every import, also those inside functions."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.lineno, node.module


def parsed(name: str, text: str) -> Source:
    """A file of this name and text."""
    tree = ast.parse(text)
    return Source(name, text, tree, tuple(ast.walk(tree)))


def sources(*tops: str) -> tuple[Source, ...]:
    """Every file of the product that people write (not shared/rpc)."""
    return tuple(file for top in tops or PRODUCT for file in _files(top))


@cache
def _files(top: str) -> tuple[Source, ...]:
    names = ((path, path.relative_to(ROOT).as_posix()) for path in sorted((ROOT / top).rglob("*.py")))
    return tuple(parsed(name, path.read_text("utf-8")) for path, name in names if not name.startswith("shared/rpc/"))
