"""Where files are written before they have their name: `incoming/<token>/`, one folder per writing process.

The owner holds a lock (flock) on its folder, so another process can tell a dead owner's folder from a live one's, in
another container too, where process numbers say nothing. On a file system without such locks nothing is swept.
"""

import contextlib
import fcntl
import itertools
import os
import secrets
import shutil
from pathlib import Path


class IncomingFolder:
    """Fresh, private paths for temporary files. All methods raise OSError."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._own: str | None = None
        self._lock = -1
        self._numbers = itertools.count(1)

    def new_path(self) -> str:
        """A path that no one else uses. The first call occupies a folder and sweeps those of dead processes."""
        if self._own is None:
            self._own = self._occupy()
            self.sweep()
        return f"{self._own}/{next(self._numbers)}"

    def sweep(self) -> int:
        """Remove the folders whose owners are gone; returns how many."""
        return sum(_remove_if_dead(folder) for folder in self._parent.iterdir() if str(folder) != self._own)

    def close(self) -> None:
        """Give the folder back; files of writers that are still open keep it until the next sweep."""
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
            if claimed is not None:  # A sweeper took the newborn folder for a dead one: begin again.
                os.close(claimed[0])


def _claim(folder: Path) -> tuple[int, bool] | None:
    """The open folder and whether it is locked by us now; None when someone else holds it or it is gone."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:  # No such locks here: whether it lives cannot be known.
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
