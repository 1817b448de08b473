"""Runs the `mailfold` command for the load test: status, and the creation of users."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtest.meter.server_processes import ServerProcesses

ROOT = Path(__file__).resolve().parents[1]
_LIMIT = 60.0


class CommandFailed(RuntimeError):
    """The command failed, or did not end in time."""


def argv(*arguments: str) -> list[str]:
    """The command of this environment: the installed one, else the package beside this one."""
    installed = Path(sys.executable).parent / "mailfold"
    return [str(installed), *arguments] if installed.exists() else [sys.executable, "-m", "mailfold", *arguments]


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Our environment, with the repository first on Python's path."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **extra}


async def run(*arguments: str, text: str = "", settings: Mapping[str, str] | None = None) -> str:
    """Run the command to its end; returns its output. Raises CommandFailed."""
    process = await asyncio.create_subprocess_exec(
        *argv(*arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(settings or {}),
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(text.encode()), _LIMIT)
    except TimeoutError:
        process.kill()
        raise CommandFailed(f"mailfold {' '.join(arguments)}: no end after {_LIMIT:g} s") from None
    if process.returncode:
        raise CommandFailed(f"mailfold {' '.join(arguments)}: {errors.decode('utf-8', 'replace')[-1500:]}")
    return output.decode("utf-8", "replace")


async def status(data: Path) -> dict[str, Any]:
    """`mailfold status --json`. Raises CommandFailed."""
    output = await run("status", "--json", "--data", str(data))
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        raise CommandFailed(f"mailfold status --json printed no JSON: {output[:200]}") from None
    return answer


def processes(answer: Mapping[str, Any], root: int | None = None) -> ServerProcesses:
    """The processes named in a status reply."""
    return ServerProcesses(
        {int(process["pid"]): _name(process) for process in answer.get("processes", []) if process.get("pid")}, root
    )


def _name(process: Mapping[str, Any]) -> str:
    services = ", ".join(process.get("services") or ())
    return f"{process['name']} ({services})" if services and services != process["name"] else str(process["name"])
