"""Runs the programs of other servers: looks for them, starts them, waits for them, and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path

_PATHS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_POLL = 0.1
_STOP = 20.0
_TAIL = 1500


def find(name: str) -> str | None:
    """The path of a program, also of one that is only on root's path."""
    return shutil.which(name) or shutil.which(name, path=_PATHS)


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


async def spawn(
    argv: Sequence[str], log: Path, environment: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start a program whose output goes to a file. Raises OSError."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )


async def listens(
    process: asyncio.subprocess.Process, name: str, host: str, port: int, limit: float, log: Path | None = None
) -> None:
    """Wait until something accepts connections. Raises RuntimeError when the program ends or `limit` seconds pass."""
    end = time.monotonic() + limit
    while not _accepts(host, port):
        if process.returncode is not None or time.monotonic() > end:
            state = "ended" if process.returncode is not None else f"does not listen after {limit:g} s"
            raise RuntimeError(f"{name} {state}: {_tail(log)}")
        await asyncio.sleep(_POLL)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask a program to end, then kill it."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP)
    except TimeoutError:
        process.kill()
        await process.wait()


def _accepts(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _tail(log: Path | None) -> str:
    return log.read_text("utf-8", "replace")[-_TAIL:] if log and log.exists() else ""
