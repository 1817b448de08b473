"""The failure of a command: a sentence for the operator, and the exit code."""

from __future__ import annotations

import os

REFUSED, UNUSABLE, OUR_FAULT, INTERRUPTED = 1, 2, 3, 130
"""Exit codes: the server refused or a check found a problem; the command could not start (settings, arguments, no
server); a bug in Mailfold; Ctrl-C."""


class CommandFailed(Exception):
    """A sentence for the operator, which says what to do, and the exit code."""

    def __init__(self, message: str, code: int = REFUSED) -> None:
        super().__init__(message)
        self.code = code


def our_fault(error: Exception) -> CommandFailed:
    """Report an unforeseen error; its traceback goes to a file."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="mailfold-fault-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    return CommandFailed(
        f"a bug in Mailfold ({type(error).__name__}: {error}); please report it with {file.name}", OUR_FAULT
    )


def not_running(data: object) -> CommandFailed:
    """The failure that no server runs with this data folder."""
    start = "docker compose up" if in_containers() else f"mailfold up --data {data}"
    return CommandFailed(f"Mailfold is not running with {data}; start it with `{start}`", UNUSABLE)


def in_containers() -> bool:
    """Whether this command runs beside services that a container engine starts (docs/compose.md)."""
    return os.environ.get("MAILFOLD_SERVER_LAYOUT") == "containers"
