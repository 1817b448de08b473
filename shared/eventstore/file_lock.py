"""The lock of a store in an installation's data folder: one process at a time, and the kernel lets go when that ends.

It also remembers who held it. On PostgreSQL a lease outlives a process that was killed; who holds the file knows that
its predecessor is dead, and need not wait for that lease (`lease.py`).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_MOST_BYTES = 4096


class FileInUse(Exception):
    """Another process owns this store."""


class FileLock:
    """A file beside the database, locked while a process owns the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.folder = path.parent
        self._fd: int | None = None

    def take(self) -> None:
        """Hold the lock until `release`, or until the process ends; nothing when it is held. Raises FileInUse."""
        if self._fd is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise FileInUse(f"{self._path.with_suffix('')} is open in another process") from error
        self._fd = fd

    def release(self) -> None:
        """Let the next process in."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    @property
    def signatures(self) -> frozenset[str]:
        """Who held this lock last. A copied data folder has another file, so a copy knows nobody."""
        if self._fd is None:
            return frozenset()
        mark, *names = os.pread(self._fd, _MOST_BYTES, 0).decode("utf-8", "replace").split("\n")
        return frozenset(names) if mark == self._mark(self._fd) else frozenset()

    def sign(self, *names: str) -> None:
        """Write down who holds it. Not flushed to the disk: after a power cut a successor waits for the lease."""
        assert self._fd is not None
        text = "\n".join((self._mark(self._fd), *names)).encode()
        os.pwrite(self._fd, text, 0)
        os.ftruncate(self._fd, len(text))

    @staticmethod
    def _mark(fd: int) -> str:
        status = os.fstat(fd)
        return f"{status.st_dev}:{status.st_ino}"
