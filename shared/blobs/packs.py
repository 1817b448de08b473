"""The packs of all processes in a blob folder, for reading and for the changes of single blobs.

`find` is for the event loop, which has connections of its own. Everything else runs in threads, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock

from shared.blobs.blob_id import BlobId, digest_of, generation_of
from shared.blobs.disk import Disk
from shared.blobs.pack_file import PackConnection, PackedRef

_FOLDER = "packs"
_SUFFIX = ".pack"
_WAITS = 30.0
_READER_WAITS = 1.0
"""Seconds on the event loop; a reader waits only while a pack is made."""
_PAGE = 1000
_ALL = (1 << 63) - 1
"""A time after every commit."""


class Packs:
    """The packs under `<folder>/packs`, one for each generation and writer."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder / _FOLDER
        self._disk = disk
        self._readers: dict[str, dict[Path, PackConnection]] = {}
        self._connections: dict[Path, PackConnection] = {}
        """Those of threads; a thread uses them while it has the lock."""
        self._lock = Lock()

    def path(self, generation: str, writer: str) -> Path:
        """The pack of a writer, in a folder that exists durably. Raises OSError."""
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._disk.sync_folder(str(self._folder.parent))
        path = self._folder / f"{generation}.{writer}{_SUFFIX}"
        path.touch(mode=0o600)
        self._disk.sync_folder(str(self._folder))
        return path

    def find(self, blob_id: BlobId) -> bytes | None:
        """The blob file of an id, from the packs that are known. Raises `BlobError`."""
        generation = generation_of(blob_id)
        if generation not in self._readers:
            self.refresh(generation)
        return _first(self._readers[generation].values(), blob_id)

    def refresh(self, generation: str) -> bool:
        """Look for packs of other processes that were made meanwhile; whether there are any. Raises `BlobError`."""
        readers = self._readers.setdefault(generation, {})
        # A pack without octets is being made; no commit into it has been answered.
        new = [path for path in self._paths(generation) if path not in readers and path.stat().st_size]
        for path in new:
            readers[path] = PackConnection(path, waits=_READER_WAITS)
        return bool(new)

    def close(self) -> None:
        """Close all connections."""
        for readers in self._readers.values():
            for reader in readers.values():
                reader.close()
        with self._lock:
            for connection in self._connections.values():
                connection.close()
        self._readers, self._connections = {}, {}

    def read(self, blob_id: BlobId) -> bytes | None:
        """Like `find`, in a thread and with all packs."""
        with self._lock:
            return _first(self._connections_of(generation_of(blob_id)), blob_id)

    def replace(self, blob_id: BlobId, stored: bytes) -> None:
        """Replace the blob file of an id in every pack that has it."""
        with self._lock:
            for connection in self._connections_of(generation_of(blob_id)):
                connection.replace(bytes.fromhex(digest_of(blob_id)), stored)

    def delete(self, blob_id: BlobId) -> bool:
        """Remove a blob from every pack; False when no pack has it."""
        digest = bytes.fromhex(digest_of(blob_id))
        with self._lock:
            removed = [connection.delete(digest) for connection in self._connections_of(generation_of(blob_id))]
        return any(removed)

    def take_back(self, blob_id: BlobId, stamp: str) -> bool:
        """Remove the row of a stamp, unless its body was committed again since; False for the stamp of a file."""
        with self._lock:
            removed = [connection.take_back(stamp) for connection in self._connections_of(generation_of(blob_id))]
        return any(removed)

    def pages(self, generation: str, before: int = _ALL) -> Iterator[list[PackedRef]]:
        """The blobs of a generation that were committed before a time in nanoseconds, in pages."""
        for path in self._paths(generation):
            after = 0
            while True:
                with self._lock:
                    refs, after = self._connection(path).page(after, before, _PAGE)
                if not after:
                    break
                yield refs

    def _paths(self, generation: str) -> list[Path]:
        return sorted(self._folder.glob(f"{generation}.*{_SUFFIX}"))

    def _connections_of(self, generation: str) -> list[PackConnection]:
        return [self._connection(path) for path in self._paths(generation)]

    def _connection(self, path: Path) -> PackConnection:
        if path not in self._connections:
            self._connections[path] = PackConnection(path, waits=_WAITS)
        return self._connections[path]


def _first(packs: Iterable[PackConnection], blob_id: BlobId) -> bytes | None:
    digest = bytes.fromhex(digest_of(blob_id))
    for pack in packs:
        stored = pack.read(digest)
        if stored is not None:
            return stored
    return None
