"""The blob store on local files: small blobs in packs, others in files of their own."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

from shared.blobs.blob_id import BlobId, digest_of, generation_of, is_digest, is_generation, parse_generation
from shared.blobs.disk import Disk, FileStatus
from shared.blobs.durable import take_back
from shared.blobs.errors import BlobMissing, blob_error
from shared.blobs.local_writer import LocalBlobWriter
from shared.blobs.open_blob import open_blob, open_stored, reading_error, verify_blob
from shared.blobs.port import BlobRef, Damaged, Intact
from shared.blobs.rescan import rescan, with_scan
from shared.blobs.settings import BlobSettings
from shared.blobs.shelf import Shelf, make_folder
from shared.blobs.stored_blob import StoredBlob

_LIST_BATCH = 1000


class LocalBlobs:
    """Blobs under `folder`. Folders are created by `start` or the first write.

    Several processes may write to one folder. An instance serves one event loop and must be closed there. `writer`
    names the pack into which this process writes small blobs; without it every new blob is a file. Every instance reads
    the packs of all.
    """

    def __init__(
        self,
        folder: Path,
        generation: str,
        settings: BlobSettings | None = None,
        disk: Disk | None = None,
        writer: str = "",
    ) -> None:
        self._shelf = Shelf(folder, generation, settings or BlobSettings(), disk or Disk(), writer)

    @property
    def generation(self) -> str:
        return self._shelf.generation

    def start(self) -> None:
        """Create the folders and sweep what dead processes left, so that a wrong folder is noticed now.

        Raises `BlobError`.
        """
        try:
            self._shelf.new_path()
        except OSError as error:
            raise blob_error(error, f"blob folder {self._shelf.folder}") from error

    def writer(self, limit: int | None = None) -> LocalBlobWriter:
        return LocalBlobWriter(self._shelf, limit)

    async def read(self, blob_id: BlobId) -> StoredBlob:
        path, packs = self._shelf.path_of(blob_id), self._shelf.packs
        stored = packs.find(blob_id)
        if stored is None:
            try:
                return open_blob(blob_id, path)
            except BlobMissing:
                # Another process may have begun a pack since the packs were looked for.
                stored = packs.find(blob_id) if packs.refresh(generation_of(blob_id)) else None
                if stored is None:
                    raise
        return open_stored(blob_id, stored)

    async def verify(self, blob_id: BlobId) -> Intact | Damaged:
        self._shelf.path_of(blob_id)
        return await asyncio.to_thread(verify_blob, blob_id, self._opened)

    async def list(self, generation: str) -> AsyncIterator[BlobId]:
        names = self._names(parse_generation(generation))
        while batch := await asyncio.to_thread(_take, names):
            for name in batch:
                yield BlobId(f"{generation}/{name}")

    async def stored_before(self, generation: str, moment: float) -> AsyncIterator[BlobRef]:
        """The blobs of a generation whose files are older than `moment` (seconds since the epoch), for `take_back`.

        `size` is that of the file. A body that was committed again meanwhile has a new file.
        """
        files = _old_files(self._shelf.folder / parse_generation(generation), moment, self._shelf.disk)
        while batch := await asyncio.to_thread(lambda: tuple(islice(files, _LIST_BATCH))):
            for name, status in batch:
                yield BlobRef(BlobId(f"{generation}/{name}"), status.size, status.stamp)
        pages = self._shelf.packs.pages(generation, int(moment * 1e9))
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            for ref in page:
                yield BlobRef(BlobId(f"{generation}/{ref.digest.hex()}"), ref.size, ref.stamp)

    async def generations(self) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.name for entry in self._shelf.folder.iterdir() if is_generation(entry.name)))
        except FileNotFoundError:
            return ()

    async def replace_scan(self, blob_id: BlobId, scan: bytes) -> None:
        shelf, path = self._shelf, self._shelf.path_of(blob_id)
        if await asyncio.to_thread(self._rescan_packed, blob_id, scan):
            return
        try:
            await asyncio.to_thread(rescan, blob_id, path, shelf.new_path(), scan, shelf.settings.level, shelf.disk)
        except OSError as error:
            raise reading_error(error, blob_id) from error

    async def delete(self, blob_id: BlobId) -> bool:
        path = self._shelf.path_of(blob_id)
        was_packed = await asyncio.to_thread(self._shelf.packs.delete, blob_id)
        try:
            self._shelf.disk.remove(path)
        except FileNotFoundError:
            return was_packed
        except OSError as error:
            raise blob_error(error, f"deleting blob {blob_id}") from error
        return True

    async def take_back(self, ref: BlobRef) -> bool:
        folder, _, name = self._shelf.path_of(ref.id).rpartition("/")
        if await asyncio.to_thread(self._shelf.packs.take_back, ref.id, ref.stamp):
            return True
        try:
            return bool(ref.stamp) and await asyncio.to_thread(take_back, folder, name, ref.stamp, self._shelf.disk)
        except OSError as error:
            raise blob_error(error, f"taking back blob {ref.id}") from error

    async def quarantine(self, blob_id: BlobId) -> None:
        source, folder = self._shelf.path_of(blob_id), self._shelf.folder / "quarantine"
        try:
            make_folder(folder, self._shelf.disk)
            target = f"{folder}/{generation_of(blob_id)}.{digest_of(blob_id)}"
            if not await asyncio.to_thread(self._set_aside, blob_id, target):
                self._shelf.disk.rename(source, target)
        except OSError as error:
            raise reading_error(error, blob_id) from error

    async def close(self) -> None:
        await self._shelf.close()

    def _opened(self, blob_id: BlobId) -> StoredBlob:
        """Open a blob in a thread."""
        stored = self._shelf.packs.read(blob_id)
        return open_blob(blob_id, self._shelf.path_of(blob_id)) if stored is None else open_stored(blob_id, stored)

    def _names(self, generation: str) -> Iterator[str]:
        """The digests of a generation: those of files, and those that only packs have."""
        folder = self._shelf.folder / generation
        yield from _digests(folder)
        for page in self._shelf.packs.pages(generation):
            for ref in page:
                if self._shelf.disk.status(f"{folder}/{ref.digest.hex()}") is None:
                    yield ref.digest.hex()

    def _rescan_packed(self, blob_id: BlobId, scan: bytes) -> bool:
        """Replace the scan of a blob in packs, in a thread; False when it is a file, or missing."""
        stored = self._shelf.packs.read(blob_id)
        if stored is not None:
            self._shelf.packs.replace(blob_id, with_scan(blob_id, stored, scan, self._shelf.settings.level))
        return stored is not None

    def _set_aside(self, blob_id: BlobId, target: str) -> bool:
        """Write a blob of a pack to a file for the operator and remove it, in a thread; False when no pack has it."""
        disk, stored = self._shelf.disk, self._shelf.packs.read(blob_id)
        if stored is None:
            return False
        path = self._shelf.new_path()
        fd = disk.create(path)
        try:
            disk.write(fd, stored)
            disk.sync(fd)
        finally:
            disk.close(fd)
        disk.rename(path, target)
        disk.sync_folder(target.rpartition("/")[0])
        return self._shelf.packs.delete(blob_id)


def _digests(folder: Path) -> Iterator[str]:
    """The names of blobs in a generation's folder; none when there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_digest(entry.name):
                    yield entry.name
    except FileNotFoundError:
        return


def _old_files(folder: Path, moment: float, disk: Disk) -> Iterator[tuple[str, FileStatus]]:
    """The blob files that are older than a moment."""
    for name in _digests(folder):
        status = disk.status(f"{folder}/{name}")
        if status is not None and status.modified < moment:
            yield name, status


def _take(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(islice(names, _LIST_BATCH))
