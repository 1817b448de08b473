"""Writes one body to a local file.

A small body is kept in memory until the commit; a large one is written to a temporary file frame by frame. Such a
writer holds at most one plain frame and no compressor, so 200 slow clients with 25 MB each cost some 25 MB.
"""

from types import TracebackType
from typing import Self

from shared.blobs.blob_id import BlobId, body_hash
from shared.blobs.durable import discard
from shared.blobs.errors import BlobTooLarge, blob_error
from shared.blobs.format import HEAD, Trailer, pack_trailer
from shared.blobs.frames import compress
from shared.blobs.port import BlobRef
from shared.blobs.shelf import Shelf

# The kernel begins to write a spooled file piece by piece, so that little is left to wait for at the commit.
WRITEBACK_BYTES = 1024 * 1024


class LocalBlobWriter:
    """A `port.BlobWriter` for local files. A `write` that raised has already aborted the writer."""

    __slots__ = (
        "_buffer",
        "_fd",
        "_hash",
        "_lengths",
        "_limit",
        "_path",
        "_shelf",
        "_size",
        "_spent",
        "_spool_at",
        "_stored",
        "_synced",
    )

    def __init__(self, shelf: Shelf, limit: int | None) -> None:
        self._shelf = shelf
        self._limit = limit
        self._hash = body_hash()
        self._buffer = bytearray()
        self._spool_at = shelf.settings.spool_bytes
        self._lengths: list[int] = []
        self._path = ""
        self._fd: int | None = None
        self._size = self._stored = self._synced = 0
        self._spent = False

    @property
    def size(self) -> int:
        return self._size

    @property
    def held(self) -> int:
        """The bytes of the body in memory now; while spooling never more than a frame."""
        return len(self._buffer)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self._check_open()
        self._size += len(chunk)
        if self._limit is not None and self._size > self._limit:
            self.abort()
            raise BlobTooLarge(self._limit)
        self._hash.update(chunk)
        self._buffer += chunk
        if len(self._buffer) > self._spool_at:
            self._spool()

    async def commit(self, scan: bytes) -> BlobRef:
        self._check_open()
        blob_id = BlobId(f"{self._shelf.generation}/{self._hash.hexdigest()}")
        try:
            path, tail = self._finish(scan)
        except OSError as error:
            self.abort()
            raise blob_error(error, "writing a blob") from error
        self._spent = True
        fd, self._fd = self._fd, None
        stamp = await self._shelf.publish(blob_id, path, fd, tail)
        return BlobRef(blob_id, self._size, stamp)

    def abort(self) -> None:
        if self._spent:
            return
        self._spent = True
        self._buffer = bytearray()
        if self._fd is not None:
            discard(self._path, self._fd, self._shelf.disk)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _check_open(self) -> None:
        if self._spent:
            raise RuntimeError("blob writer used after commit or abort")

    def _spool(self) -> None:
        """Move all whole frames to the temporary file; from now on only one frame stays in memory."""
        frame_bytes = self._shelf.settings.frame_bytes
        try:
            self._append(self._take_frames(len(self._buffer) // frame_bytes * frame_bytes))
        except OSError as error:
            self.abort()
            raise blob_error(error, "spooling a blob") from error
        self._spool_at = frame_bytes

    def _append(self, stored: bytes) -> None:
        disk = self._shelf.disk
        if self._fd is None:
            self._path = self._shelf.new_path()
            self._fd = disk.create(self._path)
            stored = HEAD + stored
        disk.write(self._fd, stored)
        self._stored += len(stored)
        if self._stored - self._synced >= WRITEBACK_BYTES:
            disk.start_writeback(self._fd, self._synced, self._stored - self._synced)
            self._synced = self._stored

    def _take_frames(self, end: int) -> bytes:
        """Compress the first `end` bytes of the buffer and remove them."""
        settings = self._shelf.settings
        with memoryview(self._buffer) as view:
            frames = [
                compress(view[at : min(at + settings.frame_bytes, end)], settings.level)
                for at in range(0, end, settings.frame_bytes)
            ]
        self._lengths.extend(map(len, frames))
        self._buffer = self._buffer[
            end:
        ]  # a new buffer: deleting from the front would keep the memory of the first 256 KiB
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def _finish(self, scan: bytes) -> tuple[str, bytes]:
        """The file with the body, and what must still be written to it."""
        head = HEAD if self._fd is None else b""
        rest = self._take_frames(len(self._buffer))
        scan_frame = compress(scan, self._shelf.settings.level) if scan else b""
        trailer = Trailer(
            self._size, self._shelf.settings.frame_bytes, len(scan), len(scan_frame), tuple(self._lengths)
        )
        path = self._path or self._shelf.new_path()
        return path, b"".join((head, rest, scan_frame, pack_trailer(trailer)))
