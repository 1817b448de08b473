"""Sizes and names: small functions, medium files, names that say something, nothing unfinished."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import Source, sources

LONGEST_FUNCTION = 45
LONGEST_FILE = 500
VAGUE = re.compile(r"^(utils?|helpers?|managers?|common|misc|stuff|base\d?)$")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    if documented and len(node.body) == 1:
        return 0
    start = node.body[1].lineno if documented else first.lineno
    return (node.end_lineno or start) - start + 1


def long_functions(file: Source) -> list[str]:
    functions = (node for node in file.nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return [
        f"{file.name}:{node.lineno} {node.name} {body_lines(node)}"
        for node in functions
        if body_lines(node) > LONGEST_FUNCTION
    ]


def test_functions_are_small() -> None:
    assert [row for file in sources() for row in long_functions(file)] == []


def test_files_are_medium() -> None:
    assert [
        f"{file.name} {file.text.count(chr(10))}" for file in sources() if file.text.count("\n") > LONGEST_FILE
    ] == []


def test_each_constant_has_one_value() -> None:
    """A rename that meets another constant of the module would change its value without any error."""
    assert [row for file in sources() for row in assigned_twice(file)] == []


def assigned_twice(file: Source) -> list[str]:
    scopes: list[ast.Module | ast.ClassDef] = [
        file.tree,
        *(node for node in file.nodes if isinstance(node, ast.ClassDef)),
    ]
    rows = []
    for scope in scopes:
        names = [
            target.id
            for node in scope.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        ]
        rows += [f"{file.name} {name}" for name in sorted(set(names)) if names.count(name) > 1]
    return rows


def test_names_say_something() -> None:
    assert [file.name for file in sources() if any(VAGUE.match(part) for part in file.parts)] == []


def test_nothing_is_unfinished() -> None:
    uids = [
        f"{file.name}:{number}"
        for file in sources()
        for number, line in enumerate(file.text.splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert uids == []


def test_no_error_is_swallowed_whole() -> None:
    silent = [
        f"{file.name}:{node.lineno}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and all(isinstance(step, (ast.Pass, ast.Continue)) for step in node.body)
    ]
    assert silent == []


def test_no_cancellation_is_swallowed() -> None:
    """On Python 3.11 `asyncio.wait_for` may lose one; `shared.background.woken_within` and `asyncio.timeout` do not."""
    calls = [
        f"{file.name}:{node.lineno}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.Attribute) and node.attr == "wait_for"
    ]
    assert calls == []


def test_stubs_are_typed() -> None:
    """A stub typed `Any` does not show what its requests and replies are."""
    untyped = [
        f"{file.name}:{node.lineno}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.annotation) == "Any"
        and node.value is not None
        and re.match(r"\w+Stub\(", ast.unparse(node.value))
    ]
    assert untyped == []
