"""Opens a blob: a small file is read whole with one call, of a larger file only the trailer is read."""

import os
from collections.abc import Callable

from shared.blobs.blob_id import BlobId, body_hash, digest_of
from shared.blobs.errors import BlobDamaged, BlobError, BlobMissing, blob_error
from shared.blobs.format import HEAD, Trailer, TrailerDamaged, parse_trailer, trailer_bytes
from shared.blobs.port import Damaged, Intact
from shared.blobs.stored_blob import BytesSource, FileSource, Source, StoredBlob

WHOLE_BYTES = 64 * 1024
_TRAILER_GUESS = 4096


def open_blob(blob_id: BlobId, path: str) -> StoredBlob:
    """Open a blob. Raises `BlobMissing`, `BlobDamaged` (the trailer), `BlobError`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            source, trailer = _examine(path, fd)
        finally:
            os.close(fd)
    except TrailerDamaged as error:
        raise BlobDamaged(blob_id, str(error)) from error
    except OSError as error:
        raise reading_error(error, blob_id) from error
    return StoredBlob(blob_id, source, trailer)


def open_stored(blob_id: BlobId, file: bytes) -> StoredBlob:
    """Open a blob whose file is in memory. Raises `BlobDamaged` (the trailer)."""
    try:
        _check_head(file)
        return StoredBlob(blob_id, BytesSource(file), parse_trailer(file, len(file)))
    except TrailerDamaged as error:
        raise BlobDamaged(blob_id, str(error)) from error


def _examine(path: str, fd: int) -> tuple[Source, Trailer]:
    size = os.fstat(fd).st_size
    if size > WHOLE_BYTES:
        return FileSource(path), read_trailer(fd)
    file = os.read(fd, size)
    _check_head(file)
    return BytesSource(file), parse_trailer(file, size)


def read_trailer(fd: int) -> Trailer:
    """The trailer of an open blob file of any size. Raises `TrailerDamaged`, OSError."""
    size = os.fstat(fd).st_size
    _check_head(os.pread(fd, len(HEAD), 0))
    end = os.pread(fd, _TRAILER_GUESS, max(0, size - _TRAILER_GUESS))
    needed = trailer_bytes(end)
    if needed > size:
        raise TrailerDamaged("the index is longer than the file")
    if needed > len(end):
        end = os.pread(fd, needed, size - needed)
    return parse_trailer(end, size)


def _check_head(start: bytes) -> None:
    if not start.startswith(HEAD):
        raise TrailerDamaged("not a blob file of this version")


def reading_error(error: OSError, blob_id: BlobId) -> BlobError:
    """`BlobMissing` for a missing file, `BlobError` for any other error."""
    return BlobMissing(blob_id) if isinstance(error, FileNotFoundError) else blob_error(error, f"blob {blob_id}")


def verify_blob(blob_id: BlobId, opened: Callable[[BlobId], StoredBlob]) -> Intact | Damaged:
    """Open, read and hash the whole blob, in a thread.

    Raises `BlobMissing`, and `BlobError` when the disk does not answer.
    """
    digest = body_hash()
    try:
        blob = opened(blob_id)
        for piece in blob.iterate(0, blob.body_size):
            digest.update(piece)
        _ = blob.scan
    except BlobDamaged as error:
        return Damaged(error.reason)
    if digest.hexdigest() != digest_of(blob_id):
        return Damaged("the body does not hash to its name")
    return Intact()
