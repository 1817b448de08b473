"""A command that cannot be carried out: what to say and the exit code."""

from __future__ import annotations


class CommandFailed(Exception):
    """Exit code 1: it was refused, or something differs. Exit code 2: it cannot be tried as it stands (settings, nothing runs)."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def not_running(data: object) -> CommandFailed:
    """Nothing answers there."""
    return CommandFailed(f"Mailfold is not running with {data}; start it with `mailfold up --data {data}`", 2)
