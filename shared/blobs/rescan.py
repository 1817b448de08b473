"""Replaces the scan behind a body; the stored frames of the body are copied unchanged."""

import os

from shared.blobs.blob_id import BlobId
from shared.blobs.disk import Disk
from shared.blobs.durable import Pending, discard, make_durable
from shared.blobs.errors import BlobDamaged
from shared.blobs.format import Trailer, TrailerDamaged, pack_trailer, parse_trailer
from shared.blobs.frames import compress
from shared.blobs.open_blob import read_trailer

_COPY_BYTES = 1024 * 1024


def rescan(blob_id: BlobId, path: str, target: str, scan: bytes, level: int, disk: Disk) -> None:
    """Replace the file `path` by a copy with another scan, in a thread; the copy is first made durable at `target`.

    Raises OSError (FileNotFoundError when the blob is missing), `BlobDamaged`, `BlobError`; then the old file stays.
    """
    folder, _, name = path.rpartition("/")
    fd, tail = _copy_with_scan(blob_id, path, target, scan, level, disk)
    pending = Pending(target, folder, name, tail, fd)
    make_durable([pending], disk)
    if pending.error is not None:
        raise pending.error


def with_scan(blob_id: BlobId, stored: bytes, scan: bytes, level: int) -> bytes:
    """A blob file in memory with another scan. Raises `BlobDamaged`."""
    try:
        old = parse_trailer(stored, len(stored))
    except TrailerDamaged as error:
        raise BlobDamaged(blob_id, str(error)) from error
    scan_frame = compress(scan, level) if scan else b""
    new = Trailer(old.body_size, old.frame_size, len(scan), len(scan_frame), old.lengths)
    return stored[: old.body_end] + scan_frame + pack_trailer(new)


def _copy_with_scan(
    blob_id: BlobId, source: str, target: str, scan: bytes, level: int, disk: Disk
) -> tuple[int, bytes]:
    """Copy head and body to the new file `target`; returns its descriptor, and what must still be appended."""
    fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        old = _trailer(blob_id, fd)
        scan_frame = compress(scan, level) if scan else b""
        new = Trailer(old.body_size, old.frame_size, len(scan), len(scan_frame), old.lengths)
        return _copy(fd, target, old.body_end, disk), scan_frame + pack_trailer(new)
    finally:
        os.close(fd)


def _trailer(blob_id: BlobId, fd: int) -> Trailer:
    try:
        return read_trailer(fd)
    except TrailerDamaged as error:
        raise BlobDamaged(blob_id, str(error)) from error


def _copy(fd: int, target: str, size: int, disk: Disk) -> int:
    copy = disk.create(target)
    try:
        for at in range(0, size, _COPY_BYTES):
            disk.write(copy, os.pread(fd, min(_COPY_BYTES, size - at), at))
    except OSError:
        discard(target, copy, disk)
        raise
    return copy
