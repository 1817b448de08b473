"""The blob store on local files."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

from shared.blobs.blob_id import BlobId, digest_of, generation_of, is_digest, is_generation, parse_generation
from shared.blobs.disk import Disk, FileStatus
from shared.blobs.durable import take_back
from shared.blobs.errors import blob_error
from shared.blobs.local_writer import LocalBlobWriter
from shared.blobs.open_blob import open_blob, reading_error, verify_blob
from shared.blobs.port import BlobRef, Damaged, Intact
from shared.blobs.rescan import rescan
from shared.blobs.settings import BlobSettings
from shared.blobs.shelf import Shelf, make_folder
from shared.blobs.stored_blob import StoredBlob

_LIST_BATCH = 1000


class LocalBlobs:
    """Blobs under `folder`. Folders are created by `start` or the first write.

    Several processes may write to one folder. An instance serves one event loop and must be closed there.
    """

    def __init__(
        self, folder: Path, generation: str, settings: BlobSettings | None = None, disk: Disk | None = None
    ) -> None:
        self._shelf = Shelf(folder, generation, settings or BlobSettings(), disk or Disk())

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
        return open_blob(blob_id, self._shelf.path_of(blob_id))

    async def verify(self, blob_id: BlobId) -> Intact | Damaged:
        return await asyncio.to_thread(verify_blob, blob_id, self._shelf.path_of(blob_id))

    async def list(self, generation: str) -> AsyncIterator[BlobId]:
        names = _digests(self._shelf.folder / parse_generation(generation))
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

    async def generations(self) -> tuple[str, ...]:
        try:
            return tuple(sorted(entry.name for entry in self._shelf.folder.iterdir() if is_generation(entry.name)))
        except FileNotFoundError:
            return ()

    async def replace_scan(self, blob_id: BlobId, scan: bytes) -> None:
        shelf, path = self._shelf, self._shelf.path_of(blob_id)
        try:
            await asyncio.to_thread(rescan, blob_id, path, shelf.new_path(), scan, shelf.settings.level, shelf.disk)
        except OSError as error:
            raise reading_error(error, blob_id) from error

    async def delete(self, blob_id: BlobId) -> bool:
        try:
            self._shelf.disk.remove(self._shelf.path_of(blob_id))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise blob_error(error, f"deleting blob {blob_id}") from error
        return True

    async def take_back(self, ref: BlobRef) -> bool:
        folder, _, name = self._shelf.path_of(ref.id).rpartition("/")
        try:
            return bool(ref.stamp) and await asyncio.to_thread(take_back, folder, name, ref.stamp, self._shelf.disk)
        except OSError as error:
            raise blob_error(error, f"taking back blob {ref.id}") from error

    async def quarantine(self, blob_id: BlobId) -> None:
        source, folder = self._shelf.path_of(blob_id), self._shelf.folder / "quarantine"
        try:
            make_folder(folder, self._shelf.disk)
            self._shelf.disk.rename(source, f"{folder}/{generation_of(blob_id)}.{digest_of(blob_id)}")
        except OSError as error:
            raise reading_error(error, blob_id) from error

    async def close(self) -> None:
        await self._shelf.close()


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
