"""Reads passwords: from standard input, from a file, or asked for at a terminal; never from the words of a command."""

from __future__ import annotations

import sys
from pathlib import Path

from mailfold.operator.failure import UNUSABLE, CommandFailed

_LONGEST_FILE = 64 * 1024


def from_standard_input() -> str:
    """One line of standard input. Raises CommandFailed."""
    line = sys.stdin.buffer.readline()
    if not line:
        raise CommandFailed("no password came on standard input; write it there as one line", UNUSABLE)
    return _text(line, "on standard input")


def from_file(path: Path) -> str:
    """The first line of a file. Raises CommandFailed."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_FILE)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}", UNUSABLE) from error
    return _text(line, f"in {path}")


def asked_twice() -> str:
    """Ask for a new password twice, without showing it."""
    while not (given := asked("Password: ")) or given != asked("Repeat for confirmation: "):
        print("The two passwords differ; try again.", file=sys.stderr)
    return given


def asked(prompt: str) -> str:
    """Ask for a password, without showing it."""
    from getpass import getpass

    try:
        return getpass(prompt)
    except EOFError:
        raise KeyboardInterrupt from None


def _text(line: bytes, where: str) -> str:
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CommandFailed(f"the password {where} is not UTF-8", UNUSABLE) from error
