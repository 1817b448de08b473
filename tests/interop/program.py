"""Running someone else's client."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.parts.clients import Client

_SECONDS = 30.0


class ClientFailed(AssertionError):
    """It ended with an error."""


def run(client: Client, *words: str | Path, text: str | None = None, ok: tuple[int, ...] = (0,), env: Mapping[str, str] | None = None) -> str:
    """What it printed, standard error included. Raises ClientFailed for an exit status that is not `ok`."""
    argv = [client.path() or client.command, *map(str, words)]
    output = subprocess.run(argv, input=text if text is not None else "", capture_output=True, text=True, errors="replace", timeout=_SECONDS, env=env)
    told = output.stdout + output.stderr
    if output.returncode not in ok:
        raise ClientFailed(f"{' '.join(argv)}: exit {output.returncode}\n{told}")
    return told
