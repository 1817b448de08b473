"""A disk that is full or broken: callers get the right error, other commits succeed, and nothing is left behind."""

import asyncio
import errno
import os
import random
from pathlib import Path

import pytest

from shared.blobs.blob_id import BlobId
from shared.blobs.disk import Disk
from shared.blobs.errors import BlobError, BlobStoreFull
from shared.blobs.local import LocalBlobs
from shared.blobs.port import BlobRef
from shared.blobs.settings import BlobSettings

SETTINGS = BlobSettings(spool_bytes=8192, frame_bytes=4096)


class BrokenDisk(Disk):
    """Fails the named system call with an error number, for files whose name contains `mark`, until it is repaired."""

    def __init__(self, call: str, number: int, mark: bytes = b"") -> None:
        self.call, self.number, self.mark = call, number, mark
        self.marked: set[int] = set()

    def _fail(self, call: str, marked: bool = True) -> None:
        if call == self.call and marked:
            raise OSError(self.number, os.strerror(self.number))

    def create(self, path: str) -> int:
        self._fail("create")
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        if self.mark in data:
            self.marked.add(fd)
            super().write(fd, data[: len(data) // 2])
            self._fail("write")
            data = data[len(data) // 2 :]
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._fail("sync", fd in self.marked)
        super().sync(fd)

    def close(self, fd: int) -> None:
        self.marked.discard(fd)
        super().close(fd)

    def link(self, path: str, target: str) -> bool:
        self._fail("link")
        return super().link(path, target)

    def rename(self, path: str, target: str) -> None:
        self._fail("rename")
        super().rename(path, target)

    def sync_folder(self, folder: str) -> None:
        self._fail("sync_folder")
        super().sync_folder(folder)


def noise(size: int, seed: int = 0) -> bytes:
    """Random bytes, which are stored in the file uncompressed."""
    return random.Random(seed).randbytes(size)


async def keep(blobs: LocalBlobs, body: bytes, scan: bytes = b"") -> BlobRef:
    with blobs.writer() as writer:
        writer.write(body)
        return await writer.commit(scan)


async def listed(blobs: LocalBlobs) -> set[BlobId]:
    return {blob_id async for blob_id in blobs.list("g0001")}


def leftovers(folder: Path) -> list[Path]:
    return [path for path in (folder / "incoming").rglob("*") if path.is_file()]


CALLS = ["create", "write", "sync", "link"]


@pytest.mark.parametrize("size", [100, 40_000])
@pytest.mark.parametrize("call", CALLS)
async def test_a_full_disk(tmp_path: Path, call: str, size: int) -> None:
    disk = BrokenDisk(call, errno.ENOSPC)
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, disk)
    with pytest.raises(BlobStoreFull):
        await keep(blobs, noise(size))
    assert (await listed(blobs), leftovers(tmp_path)) == (set(), [])
    disk.call = "mended"
    ref = await keep(blobs, noise(size))
    assert await listed(blobs) == {ref.id}
    await blobs.close()


@pytest.mark.parametrize("call", [*CALLS, "sync_folder"])
async def test_an_io_error_is_no_full_disk(tmp_path: Path, call: str) -> None:
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, BrokenDisk(call, errno.EIO))
    with pytest.raises(BlobError) as caught:
        await keep(blobs, noise(100))
    assert not isinstance(caught.value, BlobStoreFull)
    assert leftovers(tmp_path) == []
    await blobs.close()


@pytest.mark.parametrize("call", ["write", "sync"])
async def test_one_bad_file_of_a_group_fails_alone(tmp_path: Path, call: str) -> None:
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, BrokenDisk(call, errno.EIO, mark=noise(64, seed=13)))
    commits = [keep(blobs, noise(64, seed)) for seed in (1, 2, 13, 3, 4)]
    results = await asyncio.gather(*commits, return_exceptions=True)
    assert [isinstance(result, BlobError) for result in results] == [False, False, True, False, False]
    assert len(await listed(blobs)) == 4
    assert leftovers(tmp_path) == []
    await blobs.close()


async def test_nobody_of_a_group_is_answered_when_the_folder_is_not_durable(tmp_path: Path) -> None:
    disk = BrokenDisk("mended", errno.EIO)
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, disk)
    blobs.start()
    disk.call = "sync_folder"
    results = await asyncio.gather(*(keep(blobs, noise(64, seed)) for seed in range(5)), return_exceptions=True)
    assert all(isinstance(result, BlobError) for result in results)
    await blobs.close()


@pytest.mark.parametrize("call", [*CALLS, "rename"])
async def test_a_rescan_that_fails_leaves_the_old_scan(tmp_path: Path, call: str) -> None:
    disk = BrokenDisk("mended", errno.ENOSPC)
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, disk)
    ref = await keep(blobs, noise(20_000), b"old")
    disk.call = call
    with pytest.raises(BlobStoreFull):
        await blobs.replace_scan(ref.id, b"new")
    blob = await blobs.read(ref.id)
    assert (blob.scan, blob.body()) == (b"old", noise(20_000))
    assert leftovers(tmp_path) == []
    await blobs.close()


async def test_a_crash_of_a_step_is_an_error_not_a_silence(tmp_path: Path) -> None:
    class Crashing(Disk):
        def sync(self, fd: int) -> None:
            raise ZeroDivisionError

    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, Crashing())
    with pytest.raises(BlobError):
        await keep(blobs, b"body")
    await blobs.close()


async def test_a_folder_that_cannot_be_made_is_found_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blobs = LocalBlobs(tmp_path / "file" / "blobs", "g0001")
    with pytest.raises(BlobError):
        blobs.start()
    await blobs.close()


class LinklessDisk(Disk):
    """A file system without hard links."""

    def link(self, path: str, target: str) -> bool:
        return False


async def test_where_files_cannot_be_linked_they_are_renamed(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, LinklessDisk())
    ref = await keep(blobs, b"body")
    assert (await listed(blobs), leftovers(tmp_path)) == ({ref.id}, [])
    assert not await blobs.take_back(ref)
    await blobs.close()


class LocklessDisk(Disk):
    """A file system without locks."""

    def lock_folder(self, folder: str) -> int:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


async def test_where_files_cannot_be_locked_nothing_is_taken_back(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, LocklessDisk())
    ref = await keep(blobs, b"body")
    assert (await keep(blobs, b"body")).id == ref.id
    assert not await blobs.take_back(ref)
    assert await listed(blobs) == {ref.id}
    await blobs.close()
