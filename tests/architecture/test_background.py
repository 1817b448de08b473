"""Background tasks start only through `shared/background.py`, because a bare task that raises ends without a trace."""

from __future__ import annotations

import ast

from tests.architecture.source import sources

HOME = "shared/background.py"
BARE = {"create_task", "ensure_future", "run_coroutine_threadsafe"}


def test_only_one_module_makes_tasks() -> None:
    result = [
        f"{file.name}:{node.lineno} {node.attr}: use BackgroundTask, spawn or begin of {HOME}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.Attribute) and node.attr in BARE and file.name != HOME
    ]
    assert result == []


def test_nobody_imports_them_by_name() -> None:
    result = [
        f"{file.name}:{node.lineno}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.ImportFrom) and node.module == "asyncio" and {alias.name for alias in node.names} & BARE
    ]
    assert result == []


def test_no_loop_runs_for_ever_under_spawn() -> None:
    """A function that is spawned ends; a loop is a BackgroundTask, so that its health is known."""
    spawned = {
        (file.name, argument.func.attr)
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("spawn", "begin") and node.args
        for argument in node.args[:1]
        if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute)
    }
    endless = [
        f"{file.name}:{node.lineno} {node.name}"
        for file in sources()
        for node in file.nodes
        if isinstance(node, ast.AsyncFunctionDef) and (file.name, node.name) in spawned
        for step in ast.walk(node)
        if isinstance(step, ast.While)
        and isinstance(step.test, ast.Constant)
        and step.test.value is True
        and not any(isinstance(inner, ast.Return | ast.Break) for inner in ast.walk(step))
    ]
    assert endless == []
