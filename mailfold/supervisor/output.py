"""Writes the children's standard output and error to rotated files, or to the terminal with their names in front."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Protocol

ROTATE_BYTES = 10 * 1024 * 1024
_LONGEST_LINE = 64 * 1024


class Sink(Protocol):
    """Receives the output of a child."""

    def write(self, data: bytes) -> None:
        """Write some output. Never raises, because a full disk or a closed terminal must not stop the supervisor."""

    def close(self) -> None:
        """Close it after the last output."""


class RotatedFile:
    """Appends to a file. A full file is renamed to `<file>.1`, and one such file is kept."""

    def __init__(self, file: Path, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._file = file
        self._rotate_bytes = rotate_bytes
        self._fd = -1
        self._size = 0
        self._open()

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._size + len(data) > self._rotate_bytes and self._size:
                self._rotate()
            self._size += os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> None:
        self._fd = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._fd).st_size

    def _rotate(self) -> None:
        self._file.replace(self._file.with_name(self._file.name + ".1"))
        os.close(self._fd)
        self._open()


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

    def close(self) -> None:
        self._put([self._rest] if self._rest else [])
        self._rest = b""

    def _put(self, lines: list[bytes]) -> None:
        with contextlib.suppress(OSError):
            if lines:
                os.write(self._fd, b"".join(self._prefix + line + b"\n" for line in lines))
