"""Makes a group of files durable and visible: each is written, synced and named, then the folder is synced once.

The order is the guarantee. A name appears in a generation only for a file whose bytes are on stable storage, so a crash
leaves no half-visible blob. No caller gets an answer before the folder is on stable storage too. Each file fails by
itself and then leaves nothing behind.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.blobs.disk import Disk
from shared.blobs.errors import BlobError, blob_error


@dataclass(slots=True, eq=False)
class Pending:
    """A file to be committed.

    `tail` is still to be written to `fd` (None: to a new file `path`); then the file gets the name `folder/name`.
    """

    path: str
    folder: str
    name: str
    tail: bytes
    fd: int | None = None
    error: BlobError | None = field(default_factory=lambda: BlobError("commit did not finish"))
    failed: bool = False
    stamp: str = ""
    """Names the published file when no file had its name before; empty otherwise."""


def make_durable(group: Sequence[Pending], disk: Disk) -> None:
    """Commit the group, in a thread. Afterwards each `error` is None or says why that file was not stored."""
    step_of_sound_files(group, disk, _write)
    if len(group) > 1:
        step_of_sound_files(group, disk, _start_writeback)
    step_of_sound_files(group, disk, _sync)
    step_of_sound_files(group, disk, _publish)
    for folder in {pending.folder for pending in group if not pending.failed}:
        _sync_folder(folder, [p for p in group if p.folder == folder and not p.failed], disk)


def take_back(folder: str, name: str, stamp: str, disk: Disk) -> bool:
    """Remove the published file with this stamp, unless another file has taken its name; in a thread.

    Raises OSError.
    """
    with _alone(folder, disk) as is_alone:
        if not is_alone or disk.stamp(f"{folder}/{name}") != stamp:
            return False
        disk.remove(f"{folder}/{name}")
        return True


@contextlib.contextmanager
def _alone(folder: str, disk: Disk) -> Iterator[bool]:
    """Lock the folder, so that no other process replaces a file or takes it back meanwhile.

    Yields False on a file system without locks; then no blob is ever taken back.
    """
    try:
        lock = disk.lock_folder(folder)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        disk.close(lock)


def step_of_sound_files(pending_group: Sequence[Pending], disk: Disk, step: Callable[[Pending, Disk], None]) -> None:
    """Do one step for every file that has not failed."""
    for pending in pending_group:
        if not pending.failed:
            try:
                step(pending, disk)
            except OSError as error:
                _fail(pending, disk, blob_error(error, "writing a blob"))


def _write(pending: Pending, disk: Disk) -> None:
    if pending.fd is None:
        pending.fd = disk.create(pending.path)
    disk.write(pending.fd, pending.tail)
    pending.tail = b""


def _start_writeback(pending: Pending, disk: Disk) -> None:
    if pending.fd is not None:
        disk.start_writeback(pending.fd)


def _sync(pending: Pending, disk: Disk) -> None:
    if pending.fd is not None:
        disk.sync(pending.fd)
        pending.stamp = disk.stamp_of(pending.fd)
        fd, pending.fd = pending.fd, None
        disk.close(fd)


def _publish(pending: Pending, disk: Disk) -> None:
    """Give the file its name. A name that is free is taken without a lock: `take_back` removes none but its own."""
    target = f"{pending.folder}/{pending.name}"
    if disk.link(pending.path, target):
        with contextlib.suppress(OSError):  # the blob is there; the sweep at the next start removes the other name
            disk.remove(pending.path)
        return
    pending.stamp = ""
    # The existing file has the same body by definition; this one mends it if it is damaged or not yet durable.
    with _alone(pending.folder, disk):
        disk.rename(pending.path, target)


def _sync_folder(folder: str, group: Sequence[Pending], disk: Disk) -> None:
    error: BlobError | None = None
    try:
        disk.sync_folder(folder)
    except OSError as problem:
        error = blob_error(problem, "syncing a generation")
    for pending in group:
        # The file may stay: it is intact and only its durability is unknown, so its owner must commit it again.
        pending.error = error


def _fail(pending: Pending, disk: Disk, error: BlobError) -> None:
    pending.failed = True
    pending.error = error
    discard(pending.path, pending.fd, disk)
    pending.fd = None


def discard(path: str, fd: int | None, disk: Disk) -> None:
    """Remove a temporary file. When the disk cannot do that, the sweep at the next start will."""
    with contextlib.suppress(OSError):
        if fd is not None:
            disk.close(fd)
    with contextlib.suppress(OSError):
        disk.remove(path)
