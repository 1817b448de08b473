"""Runs a client program."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.parts.clients import Client

_SECONDS = 60.0


class ClientFailed(AssertionError):
    """The program ended with an error."""


def run(
    client: Client,
    *words: str | Path,
    text: str | None = None,
    ok: tuple[int, ...] = (0,),
    env: Mapping[str, str] | None = None,
    seconds: float = _SECONDS,
) -> str:
    """The output of the program, including standard error; it may run for so many seconds.

    Raises ClientFailed for an exit status that is not `ok`.
    """
    argv = [client.path() or client.command, *map(str, words)]
    output = subprocess.run(
        argv,
        input=text if text is not None else "",
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        env=env,
    )
    reported = output.stdout + output.stderr
    if output.returncode not in ok:
        raise ClientFailed(f"{' '.join(argv)}: exit {output.returncode}\n{reported}")
    return reported


def run_on_terminal(client: Client, *words: str | Path, env: Mapping[str, str]) -> str:
    """The program's output on a terminal of its own, until it ends. Raises ClientFailed."""
    ours, theirs = pty.openpty()
    argv = [client.path() or client.command, *map(str, words)]
    with subprocess.Popen(
        ["timeout", str(_SECONDS), *argv], stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    ) as process:
        os.close(theirs)
        drawn = b"".join(iter(lambda: _drawn(ours), b""))
    os.close(ours)
    reported = drawn.decode("utf-8", "replace")
    if process.returncode:
        raise ClientFailed(f"{' '.join(argv)}: exit {process.returncode}\n{reported}")
    return reported


def _drawn(terminal: int) -> bytes:
    """Linux answers EIO when the other side is closed."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
