"""Writes the children's standard output and error to rotated files, or to the terminal with their names in front.

No line in a file becomes older than 14 days: a file is rotated when it has grown to 10 MB, or is seven days old, and
the rotated one goes seven days after its last line.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

ROTATE_BYTES = 10 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_DAY = 86_400.0
_ROTATE_SECONDS = 7 * _DAY
_KEEP_SECONDS = 7 * _DAY
_STALE_SECONDS = 14 * _DAY
_TEND_SECONDS = 600.0
_DATE = re.compile(rb"(20[0-9]{2})[-/]([01][0-9])[-/]([0-3][0-9])")
"""The date in a line of any of the children."""


class Sink(Protocol):
    """Receives the output of a child."""

    def write(self, data: bytes) -> None:
        """Write some output. Never raises, because a full disk or a closed terminal must not stop the supervisor."""

    def tend(self) -> None:
        """Drop what is too old. Never raises."""

    def close(self) -> None:
        """Close it after the last output."""


class RotatedFile:
    """Appends to a file. A full or old file is renamed to `<file>.1`, and one such file is kept for some days."""

    def __init__(self, file: Path, rotate_bytes: int = ROTATE_BYTES, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._rotated = file.with_name(file.name + ".1")
        self._rotate_bytes = rotate_bytes
        self._clock = clock
        self._tended = 0.0
        self._fd = -1
        self._size = 0
        self._open()

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._size + len(data) > self._rotate_bytes and self._size:
                self._rotate()
            self._size += os.write(self._fd, data)

    def tend(self) -> None:
        now = self._clock()
        if 0 <= now - self._tended < _TEND_SECONDS:
            return
        self._tended = now
        with contextlib.suppress(OSError):
            if self._size and now - self._begun > _ROTATE_SECONDS:
                self._rotate()
            if now - self._rotated.stat().st_mtime > _KEEP_SECONDS:
                self._rotated.unlink()

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> None:
        self._fd = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._fd).st_size
        self._begun = first_date(self._file) or self._clock()

    def _rotate(self) -> None:
        self._file.replace(self._rotated)
        os.close(self._fd)
        self._open()


def first_date(file: Path) -> float:
    """The day of the first line that has a date, as seconds since 1970; 0.0 when none has."""
    with file.open("rb") as lines:
        match = _DATE.search(lines.read(_LONGEST_LINE))
    if match is None:
        return 0.0
    year, month, day = map(int, match.groups())
    try:
        return datetime(year, month, day, tzinfo=UTC).timestamp()
    except ValueError:  # digits that are no date
        return 0.0


def drop_stale(folder: Path, now: float) -> None:
    """Remove logs of processes that no longer run, once nothing was written to them for 14 days."""
    for file in (*folder.glob("*.log"), *folder.glob("*.log.1")):
        with contextlib.suppress(OSError):
            if now - file.stat().st_mtime > _STALE_SECONDS:
                file.unlink()


class Prefixed:
    """Writes whole lines to a descriptor, each with the child's name in front."""

    def __init__(self, name: str, width: int, fd: int | None = None) -> None:
        self._prefix = f"{name:<{width}} | ".encode()
        self._fd = sys.stderr.fileno() if fd is None else fd
        self._rest = b""

    def write(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        self._put(lines)

    def tend(self) -> None:
        """A terminal keeps nothing."""

    def close(self) -> None:
        self._put([self._rest] if self._rest else [])
        self._rest = b""

    def _put(self, lines: list[bytes]) -> None:
        with contextlib.suppress(OSError):
            if lines:
                os.write(self._fd, b"".join(self._prefix + line + b"\n" for line in lines))
