"""Packs: small blobs of one process in one file, which other processes read, sweep and mend."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.blobs.errors import BlobError, BlobMissing, BlobStoreFull
from shared.blobs.local import LocalBlobs
from shared.blobs.port import BlobRef, Intact
from shared.blobs.settings import BlobSettings

Opened = Callable[[str], LocalBlobs]
LARGE = bytes(range(256)) * 400
_KILLED = """
import asyncio, os, sys
from pathlib import Path
from shared.blobs.local import LocalBlobs

async def main():
    blobs = LocalBlobs(Path(sys.argv[1]), "g0001", writer="edge")
    with blobs.writer() as writer:
        writer.write(b"before the kill")
        print((await writer.commit(b"")).id, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens the store as a process with a name does."""
    stores: list[LocalBlobs] = []

    def opener(writer: str) -> LocalBlobs:
        stores.append(LocalBlobs(tmp_path / "blobs", "g0001", BlobSettings(), writer=writer))
        return stores[-1]

    yield opener
    for blobs in stores:
        await blobs.close()


async def put(blobs: LocalBlobs, body: bytes, scan: bytes = b"") -> BlobRef:
    """Store a body."""
    with blobs.writer() as writer:
        writer.write(body)
        return await writer.commit(scan)


def files(folder: Path) -> list[str]:
    """The names of the blobs that are files."""
    return [path.name for path in (folder / "blobs" / "g0001").iterdir()]


async def test_small_blobs_are_in_the_pack_of_their_process(opened: Opened, tmp_path: Path) -> None:
    edge, core = opened("edge"), opened("core")
    refs = await asyncio.gather(*(put(edge, b"mail %d" % number) for number in range(300)))
    assert files(tmp_path) == [] and (tmp_path / "blobs/packs/g0001.edge.pack").stat().st_mode & 0o77 == 0
    assert [(await core.read(ref.id)).body() for ref in refs] == [b"mail %d" % number for number in range(300)]
    assert len({ref.stamp for ref in refs}) == 300


async def test_a_pack_that_another_process_has_begun_is_seen(opened: Opened) -> None:
    edge, core = opened("edge"), opened("core")
    own = await put(core, b"mine")
    assert (await core.read(own.id)).body() == b"mine"
    theirs = await put(edge, b"yours")
    assert (await core.read(theirs.id)).body() == b"yours"


async def test_what_is_large_or_noisy_is_a_file(opened: Opened, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(40_000)
    edge = opened("edge")
    packed, file = await put(edge, LARGE), await put(edge, noise)
    assert files(tmp_path) == [file.id.partition("/")[2]], "the compressed size counts"
    for ref, body in ((packed, LARGE), (file, noise)):
        assert (await edge.read(ref.id)).body() == body


async def test_a_body_in_two_packs_and_a_file_is_one_blob(opened: Opened, tmp_path: Path) -> None:
    edge, core, plain = opened("edge"), opened("core"), opened("")
    refs = [await put(blobs, b"the same") for blobs in (edge, core, plain)]
    assert len({ref.id for ref in refs}) == 1
    assert [blob async for blob in core.list("g0001")].count(refs[0].id) in (1, 2)
    assert await core.delete(refs[0].id)
    for blobs in (edge, core, plain):
        with pytest.raises(BlobMissing):
            await blobs.read(refs[0].id)
    assert not await core.delete(refs[0].id) and files(tmp_path) == []


async def test_a_body_that_came_again_is_not_taken_back(opened: Opened) -> None:
    edge, core = opened("edge"), opened("core")
    first = await put(edge, b"refused")
    again = await put(edge, b"refused")
    assert first.stamp and not again.stamp
    assert not await core.take_back(first) and (await core.read(first.id)).body() == b"refused"
    other = await put(edge, b"refused as well")
    assert await core.take_back(other) and not await core.take_back(other)


async def test_the_same_body_twice_in_one_group(opened: Opened) -> None:
    edge = opened("edge")
    first, second = await asyncio.gather(put(edge, b"twice"), put(edge, b"twice"))
    assert not await edge.take_back(first) and not await edge.take_back(second)
    assert (await edge.read(first.id)).body() == b"twice"


async def test_old_blobs_of_all_packs_are_named(opened: Opened) -> None:
    edge, core = opened("edge"), opened("core")
    refs = [await put(edge, b"a"), await put(core, b"b")]
    assert [ref async for ref in core.stored_before("g0001", time.time() - 60)] == []
    named = [ref async for ref in opened("").stored_before("g0001", time.time() + 60)]
    assert {(ref.id, ref.stamp) for ref in named} == {(ref.id, ref.stamp) for ref in refs}


async def test_many_pages(opened: Opened) -> None:
    edge = opened("edge")
    refs = await asyncio.gather(*(put(edge, b"%d" % number) for number in range(2100)))
    assert {blob async for blob in edge.list("g0001")} == {ref.id for ref in refs}


async def test_a_deleted_body_leaves_nothing_in_the_pack(opened: Opened, tmp_path: Path) -> None:
    edge = opened("edge")
    ref = await put(edge, b"x" + bytes(range(256)))
    pack = tmp_path / "blobs/packs/g0001.edge.pack"
    assert await edge.delete(ref.id)
    with sqlite3.connect(pack) as driver:
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    driver.close()
    assert bytes(range(64, 128)) not in pack.read_bytes()


async def test_commits_wait_in_a_thread_for_another_writer(opened: Opened, tmp_path: Path) -> None:
    edge = opened("edge")
    await put(edge, b"first")
    other = sqlite3.connect(tmp_path / "blobs/packs/g0001.edge.pack", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(put(edge, b"second"))
    for _ in range(10):  # the loop serves others meanwhile
        await asyncio.sleep(0.01)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    ref = await waiting
    assert (await edge.read(ref.id)).body() == b"second"
    assert (await edge.verify(ref.id)) == Intact()


async def test_a_body_that_comes_again_may_be_set_aside_again(opened: Opened, tmp_path: Path) -> None:
    edge = opened("edge")
    for _ in range(2):
        ref = await put(edge, b"damaged twice")
        await edge.quarantine(ref.id)
        with pytest.raises(BlobMissing):
            await edge.read(ref.id)
    assert [path.name for path in (tmp_path / "blobs/quarantine").iterdir()] == [ref.id.replace("/", ".")]


async def test_a_cancelled_caller_disturbs_nobody(opened: Opened) -> None:
    edge = opened("edge")
    tasks = [asyncio.ensure_future(put(edge, b"mail %d" % number)) for number in range(20)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, BlobRef) for result in results].count(True) >= 19


async def test_a_pack_that_cannot_grow_is_full(opened: Opened, tmp_path: Path) -> None:
    edge = opened("edge")
    kept = await put(edge, b"kept")
    connection = edge._shelf._pack._connection  # type: ignore[union-attr]  # no disk of a test fills up for one file
    connection._driver.execute("PRAGMA max_page_count=4")  # type: ignore[union-attr]
    with pytest.raises(BlobStoreFull):
        for number in range(50):
            await put(edge, b"%d" % number + LARGE[:3000] * 3 + bytes(str(time.time_ns()), "ascii"))
    connection._driver.execute("PRAGMA max_page_count=1000000")  # type: ignore[union-attr]
    assert (await edge.read((await put(edge, b"room again")).id)).body() == b"room again"
    assert (await edge.read(kept.id)).body() == b"kept"


async def test_a_file_that_is_no_pack_is_an_error_of_the_store(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "blobs/packs"
    folder.mkdir(parents=True)
    (folder / "g0001.edge.pack").write_bytes(b"no database" * 1000)
    with pytest.raises(BlobError):
        await put(opened("edge"), b"mail")


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path / "blobs")], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr

    async def body() -> bytes:
        blobs = LocalBlobs(tmp_path / "blobs", "g0001", writer="core")
        try:
            return (await blobs.read(done.stdout.decode().strip())).body()  # type: ignore[arg-type]
        finally:
            await blobs.close()

    assert asyncio.run(body()) == b"before the kill"
