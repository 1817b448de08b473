"""Files of the local adapter: durable before they are visible, one folder sync per group, no leftovers."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.blobs.disk import Disk
from shared.blobs.incoming import IncomingFolder
from shared.blobs.local import LocalBlobs
from shared.blobs.local_writer import LocalBlobWriter
from shared.blobs.port import BlobRef, Intact
from shared.blobs.settings import BlobSettings

SETTINGS = BlobSettings(spool_bytes=64 * 1024, frame_bytes=16 * 1024)
ROOT = Path(__file__).resolve().parents[4]


class RecordingDisk(Disk):
    """The real disk, with a list of its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self.calls.append("sync")

    def link(self, path: str, target: str) -> bool:
        is_new = super().link(path, target)
        self.calls.append("name" if is_new else "name is taken")
        return is_new

    def lock_folder(self, folder: str) -> int:
        self.calls.append("lock")
        return super().lock_folder(folder)

    def rename(self, path: str, target: str) -> None:
        super().rename(path, target)
        self.calls.append("rename")

    def sync_folder(self, folder: str) -> None:
        super().sync_folder(folder)
        self.calls.append("sync_folder")


async def keep(blobs: LocalBlobs, body: bytes) -> BlobRef:
    with blobs.writer() as writer:
        writer.write(body)
        return await writer.commit(b"scan")


async def test_bytes_are_durable_before_the_name_and_the_name_before_the_answer(tmp_path: Path) -> None:
    disk = RecordingDisk()
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, disk)
    blobs.start()
    for size in (100, 100_000):
        disk.calls.clear()
        await keep(blobs, bytes(size))
        assert disk.calls == ["sync", "name", "sync_folder"]
        disk.calls.clear()
        await keep(blobs, bytes(size))
        assert disk.calls == ["sync", "name is taken", "lock", "rename", "sync_folder"]
    await blobs.close()


async def test_commits_of_one_turn_share_one_folder_sync(tmp_path: Path) -> None:
    disk = RecordingDisk()
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS, disk)
    blobs.start()
    disk.calls.clear()
    await asyncio.gather(*(keep(blobs, b"%d" % n) for n in range(50)))
    assert disk.calls.count("sync") == 50
    assert disk.calls.count("sync_folder") == 1
    await blobs.close()


async def test_files_are_private_and_incoming_is_empty_after_close(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "a" / "blobs", "g0001", SETTINGS)
    ref = await keep(blobs, b"body")
    folder = tmp_path / "a" / "blobs"
    assert [(folder / name).stat().st_mode & 0o777 for name in ("g0001", "incoming", ref.id)] == [0o700, 0o700, 0o600]
    await blobs.close()
    assert list((folder / "incoming").iterdir()) == []


async def test_a_spooling_writer_holds_one_frame(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS)
    writers: Sequence[LocalBlobWriter] = [blobs.writer() for _ in range(4)]
    for _ in range(100):
        for writer in writers:
            writer.write(b"x" * 10_000)
    assert max(writer.held for writer in writers) <= SETTINGS.frame_bytes
    for writer in writers:
        writer.abort()
    await blobs.close()
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_strange_files_in_a_generation_are_not_listed(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS)
    ref = await keep(blobs, b"body")
    (tmp_path / "g0001" / "README").write_text("left by an operator")
    (tmp_path / "lost+found").mkdir()
    assert [blob_id async for blob_id in blobs.list("g0001")] == [ref.id]
    assert await blobs.generations() == ("g0001",)
    await blobs.close()


async def test_a_quarantined_file_keeps_its_bytes(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path, "g0001", SETTINGS)
    ref = await keep(blobs, b"body")
    file = (tmp_path / ref.id).read_bytes()
    await blobs.quarantine(ref.id)
    assert (tmp_path / "quarantine" / ref.id.replace("/", ".")).read_bytes() == file
    await blobs.close()


DIES = """
import os, sys
from pathlib import Path
from shared.blobs.local import LocalBlobs
blobs = LocalBlobs(Path(sys.argv[1]), "g0001")
writer = blobs.writer()
writer.write(os.urandom(600_000))
print("ready", flush=True)
sys.stdin.readline()
os._exit(9)
"""


def spooling_process(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", DIES, str(folder)], cwd=ROOT, stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_what_a_dead_process_left_is_swept_and_a_live_one_keeps_its_files(tmp_path: Path) -> None:
    dead, live = spooling_process(tmp_path), spooling_process(tmp_path)
    dead.communicate("\n")
    own = IncomingFolder(tmp_path / "incoming")
    own.new_path()
    assert len(list((tmp_path / "incoming").rglob("1"))) == 1
    assert own.sweep() == 0
    live.communicate("\n")
    assert own.sweep() == 1
    own.close()
    assert list((tmp_path / "incoming").iterdir()) == []


WRITES = """
import asyncio, sys
from pathlib import Path
from shared.blobs.local import LocalBlobs

async def keep(blobs, n):
    with blobs.writer() as writer:
        writer.write(b"body %d " % n * 2000 * (1 + 40 * (n % 10 == 0)))
        return (await writer.commit(b"scan")).id

async def main():
    blobs = LocalBlobs(Path(sys.argv[1]), "g0001")
    for blob_id in await asyncio.gather(*(keep(blobs, n) for n in range(60))):
        print(blob_id)
    await blobs.close()

asyncio.run(main())
"""


async def test_processes_may_write_the_same_bodies_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITES, str(tmp_path)]
    writers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
        for _ in range(3)
    ]
    printed = [writer.communicate()[0].split() for writer in writers]
    blobs = LocalBlobs(tmp_path, "g0001")
    assert printed[0] == printed[1] == printed[2]
    assert {blob_id async for blob_id in blobs.list("g0001")} == set(printed[0])
    assert [await blobs.verify(blob_id) async for blob_id in blobs.list("g0001")] == [Intact()] * 60
    await blobs.close()


async def test_old_files_are_listed_and_a_body_that_came_again_is_not_taken_back(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs", "g0001")
    old, again = await keep(blobs, b"old"), await keep(blobs, b"again")
    young = await keep(blobs, b"young")
    for ref in (old, again):
        os.utime(tmp_path / "blobs" / ref.id, (1000, 1000))
    listed = {ref.id: ref async for ref in blobs.stored_before("g0001", 2000)}
    assert set(listed) == {old.id, again.id}
    await keep(blobs, b"again")
    assert await blobs.take_back(listed[old.id])
    assert not await blobs.take_back(listed[again.id])
    assert await blobs.verify(again.id) == await blobs.verify(young.id) == Intact()
    assert [ref async for ref in blobs.stored_before("g9999", 2000)] == []
    await blobs.close()
