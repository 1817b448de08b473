"""The lock of a store in the data folder: one process at a time; the kernel releases it when the process ends.

The file also records its last holder. On PostgreSQL a lease outlives a killed process; a process that holds the file
lock knows that its predecessor is dead, and need not wait until that lease expires (`lease.py`).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_MOST_BYTES = 4096


class FileInUse(Exception):
    """Another process owns this store."""


class FileLock:
    """A file beside the database that is locked while a process owns the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.folder = path.parent
        self._fd: int | None = None

    def take(self) -> None:
        """Take the lock until `release` or the end of the process; does nothing when it is held. Raises FileInUse."""
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
        """Release the lock."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    @property
    def signatures(self) -> frozenset[str]:
        """The last holders of this lock. A copied data folder has another file, so a copy has none."""
        if self._fd is None:
            return frozenset()
        mark, *names = os.pread(self._fd, _MOST_BYTES, 0).decode("utf-8", "replace").split("\n")
        return frozenset(names) if mark == self._mark(self._fd) else frozenset()

    def sign(self, *names: str) -> None:
        """Record the holder. It is not flushed to disk: after a power failure a successor waits for the lease."""
        assert self._fd is not None
        text = "\n".join((self._mark(self._fd), *names)).encode()
        os.pwrite(self._fd, text, 0)
        os.ftruncate(self._fd, len(text))

    @staticmethod
    def _mark(fd: int) -> str:
        status = os.fstat(fd)
        return f"{status.st_dev}:{status.st_ino}"
