"""The folders for files that have no name yet: `incoming/<token>/`, one for each writing process.

The owner locks its folder (flock), so that another process can tell whether the owner is alive. This also works between
containers, where process ids say nothing. On a file system without such locks, nothing is swept.
"""

import contextlib
import fcntl
import itertools
import os
import secrets
import shutil
from pathlib import Path


class IncomingFolder:
    """Makes new, private paths for temporary files. All methods raise OSError."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._own: str | None = None
        self._lock = -1
        self._numbers = itertools.count(1)

    def new_path(self) -> str:
        """A path that nobody else uses.

        The first call creates this process's folder and sweeps the folders of dead processes.
        """
        if self._own is None:
            self._own = self._occupy()
            self.sweep()
        return f"{self._own}/{next(self._numbers)}"

    def sweep(self) -> int:
        """Remove the folders whose owners are dead; returns their number."""
        return sum(_remove_if_dead(folder) for folder in self._parent.iterdir() if str(folder) != self._own)

    def close(self) -> None:
        """Release the folder; files of open writers stay in it until the next sweep."""
        if self._own is not None:
            with contextlib.suppress(OSError):
                Path(self._own).rmdir()
            os.close(self._lock)
            self._own = None

    def _occupy(self) -> str:
        self._parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            folder = self._parent / secrets.token_hex(8)
            folder.mkdir(mode=0o700)
            claimed = _claim(folder)
            if claimed is not None and folder.is_dir():
                self._lock = claimed[0]
                return str(folder)
            if claimed is not None:  # a sweeper took the new folder for that of a dead process, so begin again
                os.close(claimed[0])


def _claim(folder: Path) -> tuple[int, bool] | None:
    """Lock a folder; returns its descriptor and whether the lock is ours.

    None when another process holds the lock, or the folder is gone.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:  # there are no locks on this file system, so it is unknown whether the owner is alive
        return fd, False
    return fd, True


def _remove_if_dead(folder: Path) -> bool:
    claimed = _claim(folder)
    if claimed is None:
        return False
    fd, locked = claimed
    try:
        if locked:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(fd)
    return locked
