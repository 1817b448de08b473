"""The folder of a blob store with everything needed to write to it; shared by the adapter and its writers."""

import os
from contextlib import suppress
from pathlib import Path

from shared.blobs.blob_id import BlobId, digest_of, parse_blob_id, parse_generation
from shared.blobs.commit_queue import CommitQueue
from shared.blobs.disk import Disk
from shared.blobs.durable import Pending
from shared.blobs.errors import blob_error
from shared.blobs.incoming import IncomingFolder
from shared.blobs.pack_queue import PackQueue
from shared.blobs.packs import Packs
from shared.blobs.settings import BlobSettings

# A generation is one flat folder. Subfolders by the first digits would cost a folder sync each (50 commits together: 83
# µs of CPU for a message in a flat folder, 121 in 256 folders). A generation divides the blobs already: begin a new one
# every few million blobs (an ext4 folder ends at about ten million names of this length).
SMALL_THREADS, SMALL_GROUP = 2, 128
SPOOLED_THREADS, SPOOLED_GROUP = 1, 8


class Shelf:
    """The paths `<folder>/<generation>/<digest>`, `<folder>/packs/<generation>.<writer>.pack`, `<folder>/incoming/…`
    and `<folder>/quarantine/<generation>.<digest>`.

    `writer` names the pack of this process; without it every blob is a file.
    """

    def __init__(self, folder: Path, generation: str, settings: BlobSettings, disk: Disk, writer: str = "") -> None:
        self.folder = folder
        self.generation = parse_generation(generation)
        self.settings = settings
        self.disk = disk
        self.packs = Packs(folder, disk)
        self._writer = writer
        self._pack: PackQueue | None = None
        self._incoming = IncomingFolder(folder / "incoming")
        self._small = CommitQueue(disk, SMALL_THREADS, SMALL_GROUP)
        # Large bodies have threads of their own: syncing 25 MB must not delay the replies to small messages.
        self._spooled = CommitQueue(disk, SPOOLED_THREADS, SPOOLED_GROUP)
        self._ready = False

    def path_of(self, blob_id: BlobId) -> str:
        """The path of a blob. Raises `BadBlobId`, so that no id leads out of the folder."""
        return f"{self.folder}/{parse_blob_id(blob_id)}"

    def new_path(self) -> str:
        """A private path for a new file. Raises OSError."""
        if not self._ready:
            self.prepare()
        return self._incoming.new_path()

    def prepare(self) -> None:
        """Create the folders durably. Raises OSError."""
        make_folder(self.folder / self.generation, self.disk)
        # Another process may have created the folder a moment ago without having synced it yet.
        self.disk.sync_folder(os.fspath(self.folder))
        self._ready = True

    async def publish(self, blob_id: BlobId, path: str, fd: int | None, tail: bytes) -> str:
        """Append `tail` to the temporary file and give it its name, durably; a small blob goes into the pack.

        Returns its stamp, which is empty when the name existed before. Raises `BlobError`.
        """
        if fd is None and self._writer and len(tail) <= self.settings.packed_octets:
            return await self._opened_pack().submit(bytes.fromhex(digest_of(blob_id)), tail)
        pending = Pending(path, f"{self.folder}/{self.generation}", digest_of(blob_id), tail, fd)
        await (self._small if fd is None else self._spooled).submit(pending)
        return pending.stamp

    async def close(self) -> None:
        """Finish running commits."""
        await self._small.close()
        await self._spooled.close()
        if self._pack is not None:
            await self._pack.close()
        self.packs.close()
        self._incoming.close()

    def _opened_pack(self) -> PackQueue:
        if self._pack is None:
            try:
                self._pack = PackQueue(self.packs.path(self.generation, self._writer))
            except OSError as error:
                raise blob_error(error, "making a pack") from error
        return self._pack


def make_folder(folder: Path, disk: Disk) -> None:
    """Create a folder and its missing parents, each durably. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent, disk)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    disk.sync_folder(os.fspath(folder.parent))
