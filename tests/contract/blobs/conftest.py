"""Every adapter of the blob port, one after the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.blobs.blob_id import BlobId, digest_of, generation_of
from shared.blobs.local import LocalBlobs
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import Blobs
from shared.blobs.settings import BlobSettings
from tests.contract.blobs.harness import Harness
from tests.harness.stored_blobs import flip

# Small enough that bodies of some kilobytes cross every boundary: from memory to a file, and from frame to frame.
SMALL_FRAMES = BlobSettings(spool_bytes=16 * 1024, frame_bytes=4096)


def local_harness(folder: Path, opened: list[Blobs]) -> Harness:
    def open_port(generation: str) -> Blobs:
        opened.append(LocalBlobs(folder, generation, SMALL_FRAMES))
        return opened[-1]

    def damage(blob_id: BlobId) -> None:
        path = folder / blob_id
        stored = bytearray(path.read_bytes())
        stored[18] ^= 0x20  # inside the first frame of the body
        path.write_bytes(stored)

    return Harness(open_port, damage)


def packed_harness(folder: Path, opened: list[Blobs]) -> Harness:
    def open_port(generation: str) -> Blobs:
        opened.append(LocalBlobs(folder, generation, SMALL_FRAMES, writer="edge"))
        return opened[-1]

    def damage(blob_id: BlobId) -> None:
        if (folder / blob_id).exists():
            return local_harness(folder, opened).damage(blob_id)
        flip(folder / "packs" / f"{generation_of(blob_id)}.edge.pack", digest_of(blob_id))
        return None

    return Harness(open_port, damage)


def memory_harness() -> Harness:
    blobs = MemoryBlobs("g0001")
    return Harness(blobs.in_generation, blobs.damage)


@pytest.fixture(params=["local", "packed", "memory"])
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    opened: list[Blobs] = []
    match request.param:
        case "local":
            yield local_harness(tmp_path / "blobs", opened)
        case "packed":
            yield packed_harness(tmp_path / "blobs", opened)
        case _:
            yield memory_harness()
    for blobs in opened:
        await blobs.close()


@pytest.fixture
def blobs(harness: Harness) -> Blobs:
    return harness.open("g0001")
