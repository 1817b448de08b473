"""The system calls of a commit, in one class that tests replace to fill or break the disk. All raise OSError."""

import errno
import fcntl
import os
from typing import NamedTuple

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC

_NOT_LINKED = frozenset((errno.EEXIST, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK))


class FileStatus(NamedTuple):
    """A file at one moment."""

    size: int
    modified: float
    """The time of the last write, in seconds since the epoch."""
    stamp: str
    """No other file ever has this stamp."""


class Disk:
    """The file system of the machine."""

    def create(self, path: str) -> int:
        """Create a new file for writing; fails when the file exists."""
        return os.open(path, _NEW, 0o600)

    def write(self, fd: int, data: bytes) -> None:
        """Write all of `data`. A nearly full disk writes a part and reports ENOSPC at the next call."""
        written = os.write(fd, data)
        while written < len(data):
            written += os.write(fd, memoryview(data)[written:])

    def start_writeback(self, fd: int, start: int = 0, length: int = 0) -> None:
        """Let the kernel begin to write these dirty bytes (0: to the end), without waiting for it.

        DONTNEED on dirty pages starts their writeback and keeps the pages. When all files of a group have been started,
        the group costs about one journal commit instead of one for each file (measured with 50 files on ext4: 7 ms
        instead of 16).
        """
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(fd, start, length, os.POSIX_FADV_DONTNEED)

    def sync(self, fd: int) -> None:
        os.fsync(fd)

    def close(self, fd: int) -> None:
        os.close(fd)

    def rename(self, path: str, target: str) -> None:
        os.rename(path, target)  # noqa: PTH104 - a Path object costs as much as the call

    def remove(self, path: str) -> None:
        os.unlink(path)  # noqa: PTH108

    def link(self, path: str, target: str) -> bool:
        """Give a file a second name; False when the name is taken, or when the file system has no second names."""
        try:
            os.link(path, target)
        except OSError as error:
            if error.errno in _NOT_LINKED:
                return False
            raise
        return True

    def stamp(self, path: str) -> str:
        """A stamp of the file that has this name now, which no other file ever gets; empty when there is no file."""
        status = self.status(path)
        return "" if status is None else status.stamp

    def status(self, path: str) -> FileStatus | None:
        """Size, time and stamp of the file that has this name now, of one look; None when there is no file."""
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path object costs as much as the call
        except FileNotFoundError:
            return None
        return FileStatus(status.st_size, status.st_mtime, _stamp(status))

    def stamp_of(self, fd: int) -> str:
        """The stamp of an open file, to be taken after the last write to it."""
        return _stamp(os.fstat(fd))

    def lock_folder(self, folder: str) -> int:
        """Lock the folder against all other holders of this lock, in this and other processes, until `close`."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError:
            os.close(fd)
            raise
        return fd

    def sync_folder(self, folder: str) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _stamp(status: os.stat_result) -> str:
    """The stamp, from values that are the same under every name of a file.

    An inode number is used again, but not with the same time of change.
    """
    return f"{status.st_ino}:{status.st_mtime_ns}"
