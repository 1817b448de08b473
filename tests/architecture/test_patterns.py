"""Regular expressions are constants: one built from a stranger's input would cost time and be cached."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import Source, sources

MAKES_A_PATTERN = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "escape"}
LINEAR = {("shared/protocol/sieve/compare/pattern.py", "re2")}
"""Where patterns of strangers are compiled on purpose: RE2 is linear, and this module limits its memory."""
_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)
"""A character class, or an escaped character."""
_POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def calls_in_functions(file: Source) -> Iterator[ast.Call]:
    """The calls in functions; calls made while the module is imported cannot depend on input."""
    seen: set[int] = set()
    for function in file.nodes:
        if isinstance(function, FUNCTIONS):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and id(node) not in seen:
                    seen.add(id(node))
                    yield node


def makes_a_pattern(file: Source, call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in ("re", "regex", "re2")
        and (file.name, function.value.id) not in LINEAR
        and function.attr in MAKES_A_PATTERN
    )


def test_no_pattern_is_made_of_anything_but_constants() -> None:
    made = [
        f"{file.name}:{call.lineno}"
        for file in sources()
        for call in calls_in_functions(file)
        if makes_a_pattern(file, call) and not (call.args and isinstance(call.args[0], ast.Constant))
    ]
    assert made == []


def test_functions_of_re_are_called_by_their_full_name() -> None:
    """So that the rule above sees them."""
    hidden = [
        f"{file.name}:{node.lineno}"
        for file in sources()
        for node in file.nodes
        if (isinstance(node, ast.ImportFrom) and node.module in ("re", "regex", "re2"))
        or (isinstance(node, ast.alias) and node.name in ("re", "regex", "re2") and node.asname)
    ]
    assert hidden == []


def test_no_group_is_possessive() -> None:
    """Python before 3.11.5 goes on behind what a failed repetition has consumed; atomic groups are right."""
    possessive = [
        f"{file.name}:{node.lineno}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.Constant) and _POSSESSIVE_GROUP.search(_CLASS.sub("x", text_of(node)))
    ]
    assert possessive == []


def text_of(constant: ast.Constant) -> str:
    value = constant.value
    return value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""
